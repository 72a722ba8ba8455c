import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../../config/config.ts";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { AfkError } from "../../lib/errors.ts";
import type { Row, TableName } from "../../store/copy-rows.ts";
import { makeFolder, syncPath } from "../../store/durable-file.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import { LEVEL } from "../../store/migrations.ts";
import { acquireLocks } from "../../store/sqlite/lock.ts";
import { signsOfFleet, unfinished, unfinishedName } from "../forgotten-database.ts";
import { refuseOthers } from "../own-state.ts";
import { fillFile, refuseAtWork } from "./portable.ts";

/**
 * Moves a fleet's state, at which nobody is at work, back into the file of this machine. In order: 1. the file is filled under another
 * name and compared, with the gate held; 2. the schema is closed, in the same transaction; 3. what makes this folder one of a
 * fleet goes, and the file gets its name. Cut off before 2 the schema is the state as before; after it the same command does the rest,
 * here and nowhere else: the name that the file has until then says the moment that the schema keeps.
 * @throws StateLocked, AfkError while a machine is at work, OthersState, StoreRefused.
 */
export async function moveToSqlite({ config, target }: { config: Config; target: DatabaseTarget }) {
  const { database, state: folder, lock: lockFile, gatewayLock, remoteLock } = config.paths;
  const { withWholeState } = await import("../../store/postgres/whole-state.ts");
  makeFolder(folder);
  const lock = acquireLocks([lockFile, gatewayLock, remoteLock]);
  const filling = unfinishedName(database);
  const filledAt = (atMs: number) => `${filling}-${atMs}`;
  try {
    const { filled, tables } = await withWholeState(target, async (state) => {
      const { trx, gate, applied, nowMs } = state;
      if (applied.length === 0 || (await readMeta(trx, "moving_in_at")) > 0)
        throw new AfkError("no_state", `the schema ${target.schema} holds no state to move`, {
          retry: "never",
        });
      if (applied.at(-1) !== LEVEL)
        throw new AfkError(
          "store_older",
          `the schema ${target.schema} is of an older version of afk; move it with that one, or start this one once before`,
          { retry: "never" },
        );
      await refuseOthers(trx, config);
      await refuseAtWork(state);
      if (gate === null) {
        const left = filledAt(await readMeta(trx, "moved_away_at"));
        const isDone = existsSync(database) && signsOfFleet(folder).length === 0;
        if (!existsSync(left) && !isDone) throw movedAway(target, folder);
        return { filled: left, tables: [] };
      }
      if (existsSync(database)) {
        const message = `${database} is there already; put it elsewhere first. Nothing was changed`;
        throw new AfkError("state_there", message, { retry: "never" });
      }
      for (const left of unfinished(database)) rmSync(left);
      const tables = await fillFile(filling, state, asOnOneMachine);
      const filled = filledAt(nowMs);
      renameSync(filling, filled);
      syncPath(filled);
      syncPath(folder);
      await writeMeta(trx, "moved_away_at", nowMs);
      await trx.deleteFrom("gate").execute();
      return { filled, tables };
    });
    for (const sign of signsOfFleet(folder)) rmSync(sign, { force: true });
    syncPath(folder);
    if (existsSync(filled)) renameSync(filled, database);
    syncPath(dirname(database));
    return { to: database, schema: target.schema, tables };
  } finally {
    lock.release();
  }
}

function movedAway({ schema }: DatabaseTarget, folder: string): AfkError {
  const message = `the state was moved away from the schema ${schema}, and not into ${folder}: what is left there is a copy, and a second state made of it would be a second budget. Go on where it was moved to; nothing was changed`;
  return new AfkError("moved_away", message, { retry: "never" });
}

const OF_MACHINES: readonly TableName[] = ["ticks", "outputs", "drafts"];

/** What belonged to one machine of several is this one's; processes are of machines that have ended. */
function asOnOneMachine(table: TableName, row: Row): Row | null {
  if (table === "processes") return null;
  return OF_MACHINES.includes(table) ? { ...row, machine: null } : row;
}
