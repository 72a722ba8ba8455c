import { createHash } from "node:crypto";
import { sql } from "kysely";
import { StoreRefused } from "./errors.ts";
import type { Db, Schema } from "./schema.ts";

export type Row = Record<string, unknown>;
/** Gives a table's rows in bounded parts, all of one moment. */
export type RowsOf = (table: TableName) => AsyncIterable<Row[]>;

/** What is of a fleet's database or of a machine, and stays there: its gate and machines, and pages that are fetched again. */
const LOCAL = ["gate", "commits", "machines", "chores", "database_events", "http_cache", "robots"] as const;
export type TableName = Exclude<keyof Schema, (typeof LOCAL)[number]>;

/** What an agent knows, wherever it is kept. What others refer to comes first. Complete, or it would not compile. */
const TABLES: Record<TableName, true> = {
  alerts: true,
  jobs: true,
  kill_switch: true,
  breakers: true,
  budget_clock: true,
  budget_windows: true,
  open_periods: true,
  ledger: true,
  dead_letters: true,
  model_refusals: true,
  steps: true,
  outputs: true,
  drafts: true,
  seen: true,
  alert_channels: true,
  alert_deliveries: true,
  schedules: true,
  ticks: true,
  host_limits: true,
  meta: true,
  owners: true,
  drills: true,
  clock: true,
  clock_days: true,
  incidents: true,
  releases: true,
  ledger_days: true,
  job_days: true,
  tick_days: true,
  taken_names: true,
  processes: true,
  client_keys: true,
  answers: true,
  gateway_days: true,
  results: true,
  deliveries: true,
  alert_routes: true,
  digest_items: true,
  job_memory: true,
  paused_jobs: true,
  questions: true,
  cap_grants: true,
  wrong_codes: true,
  remote_cursors: true,
  remote_messages: true,
};
const NAMES = Object.keys(TABLES) as TableName[];

/** A table that was copied: as many rows as were read, each of them the same where it was read again. */
export interface CopiedTable {
  table: TableName;
  rows: number;
}

export interface Copying {
  from: RowsOf;
  to: { db: Db; rows: RowsOf };
  /** What becomes of a row on its way; null leaves it out. */
  change?: (table: TableName, row: Row) => Row | null;
}

/**
 * Puts the rows of one engine into the place of those in the other, and then reads all of them again and compares them row by row.
 * The caller has a transaction open on both sides. @throws StoreRefused where a table is not the same afterwards.
 */
export async function copyRows({ from, to, change = (_table, row) => row }: Copying): Promise<CopiedTable[]> {
  for (const table of NAMES.toReversed()) await sql`delete from ${sql.table(table)}`.execute(to.db);
  const read = new Map<TableName, Totals>();
  for (const table of NAMES) {
    const totals = new Totals();
    read.set(table, totals);
    for await (const part of from(table)) {
      const rows = part.map((row) => change(table, row)).filter((row) => row !== null);
      for (const row of rows) totals.add(row);
      // Their columns are those of the table that it is, on both sides.
      if (rows.length > 0)
        await to.db
          .insertInto(table)
          .values(rows as never)
          .execute();
    }
  }
  const copied: CopiedTable[] = [];
  for (const [table, expected] of read) {
    const found = new Totals();
    for await (const rows of to.rows(table)) for (const row of rows) found.add(row);
    if (found.text() !== expected.text()) {
      const message = `${table} is not the same after it was copied (${expected.rows} rows were read, ${found.rows} are there); nothing was changed`;
      throw new StoreRefused("copy_differs", message);
    }
    copied.push({ table, rows: expected.rows });
  }
  return copied;
}

/** Rows in whatever order: how many, and what all their hashes come to. Each has a key, so no two of a table are the same. */
class Totals {
  rows = 0;
  readonly #sum = Buffer.alloc(32);

  add(row: Row): void {
    this.rows += 1;
    const hash = createHash("sha256").update(textOf(row)).digest();
    for (let at = 0; at < hash.length; at++) this.#sum[at] = (this.#sum[at] ?? 0) ^ (hash[at] ?? 0);
  }

  text(): string {
    return `${this.rows}:${this.#sum.toString("hex")}`;
  }
}

function textOf(row: Row): string {
  const fields = Object.entries(row).map(([name, value]): [string, unknown] => {
    if (value instanceof Uint8Array) return [name, Buffer.from(value).toString("base64")];
    // PostgreSQL keeps no U+0000 in a text (postgres/values.ts).
    return [name, typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : value];
  });
  return JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}
