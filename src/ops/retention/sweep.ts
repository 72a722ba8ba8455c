import { sql } from "kysely";
import { dayBounds, dayIn } from "../../lib/days.ts";
import { newId } from "../../lib/ids.ts";
import type { SweepName } from "../../store/meta.ts";
import type { Schema, Trx } from "../../store/schema.ts";

/** What is old, for one pass over all tables. Instants in epoch milliseconds. */
export interface Ages {
  nowMs: number;
  /** Rows from before are rolled up or removed: the first instant of a calendar day. */
  historyMs: number;
  /** The same for the steps of jobs that are done. */
  stepsMs: number;
  /** The same for items that no run has come across since. */
  seenMs: number;
  timezone: string;
  /** Jobs that stay whatever their age: the latest runs of each job in afk.yaml, and what their last file came from. */
  keptJobs: ReadonlySet<string>;
  /** Keys of jobs that old calls belong to which are still in the ledger; null: more than are looked at. */
  calledJobs: ReadonlySet<string> | null;
  /** Of the ticks these stay: the newest ones, and the newest ones that had work. Ids from these on. */
  ticksFrom: { any: string; worked: string };
}

/** How far one step got. `next` is where the next one goes on, null when there is nothing more to look at. */
export interface Swept {
  removed: number;
  next: string | null;
}

/** One table's part of retention. */
export interface Sweep {
  /** In the log line of what was removed. */
  name: SweepName;
  /**
   * One bounded step: looks at so many rows after `after` and removes those that may go, in the caller's transaction,
   * which also writes what stays of them.
   */
  step(trx: Trx, ages: Ages, after: string): Promise<Swept>;
}

/** Most rows that one step looks at: each is in several indexes, so that removing it changes some ten pages. */
export const ROWS = 50;
/** Most bytes of content that one step removes, unless a single row has more. */
export const BYTES = 256 * 1024;

/** The lowest id that could be made at an instant: ids sort by the moment they were made. */
export function idAt(ms: number): string {
  return newId(ms).slice(0, TIME_CHARS);
}

/** The instant in an id, for ids that `newId` made; 0 for others. */
export function instantOf(id: string): number {
  let ms = 0;
  for (const character of id.slice(0, TIME_CHARS)) {
    const digit = DIGITS.indexOf(character);
    if (digit === -1) return 0;
    ms = ms * 32 + digit;
  }
  return Number.isSafeInteger(ms) ? ms : 0;
}

const TIME_CHARS = 10;
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** Where to go on after these rows, of which a step looks at no more than `limit`. */
export function nextAfter(rows: readonly { id: string }[], limit = ROWS): string | null {
  return rows.length < limit ? null : (rows.at(-1)?.id ?? null);
}

/** Deletes rows by their ids; gives how many. */
export async function deleteRows(
  trx: Trx,
  table: "ledger" | "ticks" | "alerts",
  rows: readonly { id: string }[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const ids = rows.map(({ id }) => id);
  const { numDeletedRows } = await trx.deleteFrom(table).where("id", "in", ids).executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** The first instant of the calendar day that an instant lies in. */
export function startOfDay(ms: number, timezone: string): number {
  return dayBounds(dayIn(ms, timezone), timezone).fromMs;
}

/** Adds the amounts to the row of this key, and inserts the row where there is none. */
export async function addAmounts(
  trx: Trx,
  table: keyof Schema,
  key: Record<string, string | number>,
  amounts: Record<string, number>,
): Promise<void> {
  const row = { ...key, ...amounts };
  const columns = (names: object) => sql.join(Object.keys(names).map((name) => sql.ref(name)));
  const sums = Object.keys(amounts).map(
    (name) => sql`${sql.ref(name)} = ${sql.ref(`${table}.${name}`)} + ${sql.ref(`excluded.${name}`)}`,
  );
  await sql`insert into ${sql.table(table)} (${columns(row)}) values (${sql.join(Object.values(row))})
    on conflict (${columns(key)}) do update set ${sql.join(sums)}`.execute(trx);
}
