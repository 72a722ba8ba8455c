import { sql } from "kysely";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import type { RowsOf } from "../copy-rows.ts";
import { databaseNowMs, heldTime } from "../now.ts";
import type { GateTable } from "../schema/fleet.ts";
import type { Trx } from "../schema.ts";
import { sectionOf, within } from "./dialect.ts";
import { explain, isAway, unanswered } from "./errors.ts";
import { isWhole, refuseUnknown } from "./levels.ts";
import { migrateWithin } from "./migrate.ts";
import { Session } from "./session.ts";
import { describe } from "./where.ts";

/** While the other side works on what it was given; the server ends a transaction whose process has stopped. */
const IDLE = "set local idle_in_transaction_session_timeout to '10min'";
const ROWS = 200;

/** An agent's schema as a whole, in one transaction. */
export interface WholeState {
  trx: Trx;
  rows: RowsOf;
  /** The agent's time, or where there is no gate the server's. Epoch milliseconds. */
  nowMs: number;
  /** The gate's row, locked: no section of anybody runs until this is over. Null where it is not there: closed, or not made yet. */
  gate: GateTable | null;
  /** Migrations that it has; none where it is not there. */
  applied: readonly string[];
  /** Empties it, and makes its tables as the newest migration leaves them. */
  make(): Promise<void>;
  /** Columns that number rows by themselves go on from the highest. */
  renumber(): Promise<void>;
}

/**
 * Does `work` in one transaction that sees one moment, and happens as a whole or not: "alone" nobody else's section runs meanwhile;
 * "look" writes nothing and keeps nobody waiting.
 * @throws StoreRefused when the schema is newer than this code, StoreUnreachable.
 */
export async function withWholeState<T>(
  target: DatabaseTarget,
  work: (state: WholeState) => Promise<T>,
  mode: "alone" | "look" = "alone",
): Promise<T> {
  const where = describe(target);
  let session: Session | undefined;
  try {
    const opened = await Session.open(target);
    session = opened;
    const access = mode === "look" ? "read only" : "read write";
    await opened.begin(`isolation level repeatable read ${access}`, IDLE);
    const value = await within(opened, async (root) => {
      const trx = sectionOf(root, opened);
      const applied = await refuseUnknown(trx, target.schema);
      const row = trx.selectFrom("gate").selectAll().where("id", "=", 1);
      const gate = isWhole(applied)
        ? ((await row.$if(mode === "alone", (query) => query.forUpdate()).executeTakeFirst()) ?? null)
        : null;
      return await work({
        trx,
        gate,
        applied,
        nowMs: await timeOf(trx, gate),
        rows: cursorsOf(opened),
        async make() {
          await sql`create schema if not exists ${sql.id(target.schema)}`.execute(trx);
          await dropTables(trx, target.schema);
          await migrateWithin(opened, target);
        },
        renumber: () => renumber(trx, target.schema),
      });
    });
    await commit(opened, where);
    return value;
  } catch (error) {
    await session?.undo();
    throw explain(error, where);
  } finally {
    await session?.drop();
  }
}

/** @throws StoreUnreachable where its answer does not come, and what became of it is not known. */
async function commit(session: Session, where: string): Promise<void> {
  try {
    await session.commit();
  } catch (error) {
    throw isAway(error) ? unanswered(error, where) : error;
  }
}

async function timeOf(trx: Trx, gate: GateTable | null): Promise<number> {
  const databaseMs = await databaseNowMs(trx);
  return gate === null ? databaseMs : heldTime(gate, databaseMs);
}

function cursorsOf(session: Session): RowsOf {
  return async function* (table) {
    await session.client.query(`declare afk_rows no scroll cursor for select * from "${table}"`);
    for (;;) {
      const { rows } = await session.client.query(`fetch ${ROWS} from afk_rows`);
      if (rows.length === 0) break;
      yield rows;
    }
    await session.client.query("close afk_rows");
  };
}

async function dropTables(trx: Trx, schema: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = ${schema}`.execute(trx);
  for (const { name } of rows) await sql`drop table ${sql.table(name)} cascade`.execute(trx);
}

async function renumber(trx: Trx, schema: string): Promise<void> {
  const { rows } = await sql<{ table: string; column: string }>`
    select table_name as "table", column_name as "column" from information_schema.columns
    where table_schema = ${schema} and is_identity = 'YES'`.execute(trx);
  for (const { table, column } of rows)
    await sql`select setval(pg_get_serial_sequence(${table}, ${column}),
      (select coalesce(max(${sql.ref(column)}), 0) + 1 from ${sql.table(table)}), false)`.execute(trx);
}
