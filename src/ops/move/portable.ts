import { closing } from "../../lib/closing.ts";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { type CopiedTable, copyRows, type Row, type RowsOf, type TableName } from "../../store/copy-rows.ts";
import type { WholeState } from "../../store/postgres/whole-state.ts";
import type { Db } from "../../store/schema.ts";
import { emptyLog, removeDatabase } from "../../store/sqlite/backup.ts";
import { openStore } from "../../store/sqlite/open.ts";
import { rowsOf } from "../../store/sqlite/rows.ts";

/** Of the database, and not of what is in it. */
const OF_MOVES = ["moving_in_at", "moved_in_at", "moved_away_at"];

/** Writes what the state holds into a new SQLite file at `path`, with the tables of today. */
export async function fillFile(
  path: string,
  state: Pick<WholeState, "rows" | "gate">,
  change: (table: TableName, row: Row) => Row | null = (_table, row) => row,
): Promise<CopiedTable[]> {
  removeDatabase(path);
  return await closing(await openStore(path), async (store) => {
    const copied = await store.atomically(async (trx) => {
      if (state.gate !== null) {
        const { generation, epoch } = state.gate;
        await trx.updateTable("gate").set({ generation, epoch }).execute();
      }
      return await copyRows({
        from: state.rows,
        to: { db: trx, rows: rowsOf(trx) },
        change: (table, row) =>
          table === "meta" && OF_MOVES.includes(String(row.key)) ? null : change(table, row),
      });
    });
    await emptyLog(store.db);
    return copied;
  });
}

/** Copies a fleet's state, as it is at one moment, while its machines work. */
export async function copyWhole(target: DatabaseTarget, path: string): Promise<void> {
  // Only here: what works on a file loads nothing of PostgreSQL.
  const { withWholeState } = await import("../../store/postgres/whole-state.ts");
  await withWholeState(target, (state) => fillFile(path, state), "look");
}

/** Puts what a SQLite file holds, whose transaction is open, in the place of all that the state holds. */
export async function fillState(from: RowsOf, state: WholeState): Promise<CopiedTable[]> {
  const copied = await copyRows({ from, to: { db: state.trx, rows: state.rows } });
  await state.renumber();
  await leaveToAnybody(state);
  return copied;
}

/** Nobody is at work, and the machines that had begun something may be gone for good: it is for whoever is there now. */
async function leaveToAnybody({ trx, nowMs }: WholeState): Promise<void> {
  await trx.updateTable("outputs").set({ machine: null }).where("state", "=", "pending").execute();
  await trx.updateTable("drafts").set({ machine: null }).where("state", "=", "approving").execute();
  await trx
    .updateTable("ticks")
    .set({ outcome: "crashed", finished_at: nowMs, reason: "the process ended before the tick did" })
    .where("outcome", "=", "running")
    .execute();
}

/** @throws AfkError (exit 75) while a machine is at work: its lease is not over. */
export async function refuseAtWork({ trx, nowMs }: { trx: Db; nowMs: number }): Promise<void> {
  const machines = await trx
    .selectFrom("machines")
    .select(["id", "part", "name"])
    .where("lost_at", "is", null)
    .where("ended_at", "is", null)
    .where("lease_until", ">", nowMs)
    .orderBy("name")
    .execute();
  if (machines.length === 0) return;
  const names = machines
    .map(({ id, part, name }) => `${part === "gateway" ? "the gateway of " : ""}${name} (${id})`)
    .join(", ");
  throw new AfkError(
    "fleet_at_work",
    `${names} ${machines.length === 1 ? "is" : "are"} at work in this state; nothing was done. End workers and gateways on all machines, wait 15 s, and say it again`,
    { retry: "never", exitCode: EXIT.locked },
  );
}
