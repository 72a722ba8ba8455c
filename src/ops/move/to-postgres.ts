import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../../config/config.ts";
import { type Clock, toIso } from "../../lib/clock.ts";
import { closing } from "../../lib/closing.ts";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { AfkError } from "../../lib/errors.ts";
import { syncPath } from "../../store/durable-file.ts";
import { StoreRefused } from "../../store/errors.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import { LEVEL } from "../../store/migrations.ts";
import type { WholeState } from "../../store/postgres/whole-state.ts";
import type { Trx } from "../../store/schema.ts";
import { emptyLog } from "../../store/sqlite/backup.ts";
import { acquireLocks } from "../../store/sqlite/lock.ts";
import { openStore } from "../../store/sqlite/open.ts";
import { openReader } from "../../store/sqlite/open-reader.ts";
import { rowsOf } from "../../store/sqlite/rows.ts";
import { refuseUnsound } from "../backup.ts";
import { findMoved, movedName } from "../forgotten-database.ts";
import { refuseOthers } from "../own-state.ts";
import { fillState } from "./portable.ts";

/** So often the file's log is emptied and its lock then asked for, where others write meanwhile. */
const TRIES = 100;

interface MoveRequest {
  config: Config;
  target: DatabaseTarget;
  clock: Clock;
}

/**
 * Moves a stopped agent's state into an empty schema. In order: 1. one transaction fills the schema, compares it and leaves it
 * closed; 2. the file gets another name; 3. the schema is opened. Cut off before 2 the file is the state as before and the schema
 * refuses; after it the same command does 3.
 * @throws StateLocked, OthersState, StoreRefused, AfkError where the schema is not empty.
 */
export async function moveToPostgres({ config, target, clock }: MoveRequest) {
  const { database, lock: lockFile, gatewayLock, remoteLock } = config.paths;
  // Only here: what works on a file loads nothing of PostgreSQL.
  const { withWholeState } = await import("../../store/postgres/whole-state.ts");
  const lock = acquireLocks([lockFile, gatewayLock, remoteLock]);
  try {
    if (!existsSync(database)) return await finish();
    const atMs = clock.nowMs();
    const { kept, tables } = await closing(await openStore(database), async (store) => {
      await refuseOthers(store.db, config);
      await refuseUnsound(store.db, database);
      for (let tries = 0; tries < TRIES; tries++) {
        await emptyLog(store.db);
        const moved = await store.atomically((file) => move(file, atMs));
        if (moved !== null) return moved;
      }
      throw new StoreRefused("store_busy", `somebody keeps writing ${database}; nothing was moved`);
    });
    await openGate(kept);
    return { from: database, kept, schema: target.schema, tables };
  } finally {
    lock.release();
  }

  /**
   * With the file's lock until it has its other name: what somebody wrote into it after it was copied would be lost. Null where
   * somebody has written since its log was emptied, which the file alone would not hold.
   */
  async function move(file: Trx, atMs: number) {
    if (statSync(`${database}-wal`).size > 0) return null;
    const tables = await withWholeState(target, async (state) => {
      await refuseOccupied(state, target);
      await state.make();
      const copied = await fillState(rowsOf(file), state);
      await state.trx.insertInto("meta").values({ key: "moving_in_at", value: atMs }).execute();
      await state.trx.deleteFrom("gate").execute();
      return copied;
    });
    const kept = movedName(database, toIso(atMs));
    renameSync(database, kept);
    syncPath(dirname(database));
    return { kept, tables };
  }

  async function finish() {
    const [kept] = findMoved(database);
    if (kept === undefined) throw noState(config);
    await openGate(kept);
    return { from: database, kept, schema: target.schema, tables: [] };
  }

  async function openGate(kept: string): Promise<void> {
    const { killed, generation, epoch } = await closing(openReader(kept), (reader) =>
      reader.read(async (db) => ({
        killed: await db.selectFrom("kill_switch").selectAll().executeTakeFirstOrThrow(),
        ...(await db.selectFrom("gate").select(["generation", "epoch"]).executeTakeFirstOrThrow()),
      })),
    );
    await withWholeState(target, async ({ trx, applied, gate, nowMs }) => {
      const key = gate === null ? "moving_in_at" : "moved_in_at";
      const atMs = applied.length === 0 ? 0 : await readMeta(trx, key);
      if (atMs === 0 || movedName(database, toIso(atMs)) !== kept) throw noState(config);
      // It was done, and nobody was told so.
      if (gate !== null) return;
      const { id: _id, ...row } = killed;
      if (row.set_at !== null) await trx.updateTable("kill_switch").set(row).execute();
      await trx.deleteFrom("meta").where("key", "=", "moving_in_at").execute();
      await writeMeta(trx, "moved_in_at", atMs);
      // It goes on from the fleet that this agent may have been before: behind the marks of machines would be an older copy.
      const numbers = { generation: generation + 1, epoch: epoch + (generation > 0 ? 1 : 0) };
      const origin = { system_id: "", timeline: "" };
      const time = { latest_at: nowMs, shift_ms: 0, clock_set: 0 };
      // Nobody has worked here yet.
      const levels = { level: LEVEL, level_min: LEVEL };
      await trx
        .insertInto("gate")
        .values({ id: 1, ...numbers, ...origin, ...time, ...levels })
        .execute();
    });
    for (const suffix of ["-wal", "-shm"]) rmSync(`${database}${suffix}`, { force: true });
  }
}

function noState({ paths }: Config): AfkError {
  const message = `there is no state in ${paths.database} to move, and none whose move has not ended`;
  return new AfkError("no_state", message, { retry: "never" });
}

/** What a move that was cut off has left is emptied; anything else is somebody's. */
async function refuseOccupied({ trx, applied, gate }: WholeState, { schema }: DatabaseTarget): Promise<void> {
  if (applied.length === 0) return;
  const refuse = (why: string) =>
    new AfkError(
      "schema_occupied",
      `the schema ${schema} ${why}; nothing was changed. Name another with --schema, or remove that one: drop schema ${schema} cascade`,
      { retry: "never" },
    );
  if (gate === null && (await readMeta(trx, "moving_in_at")) > 0) return;
  if (gate === null) throw refuse("holds a state that was moved away, or one of an older version");
  for (const table of ["owners", "ledger", "jobs", "ticks"] as const)
    if (
      (
        await trx
          .selectFrom(table)
          .select((eb) => eb.lit(1).as("one"))
          .limit(1)
          .execute()
      ).length > 0
    )
      throw refuse("is in use");
}
