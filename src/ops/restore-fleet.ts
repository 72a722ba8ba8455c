import { toIso } from "../lib/clock.ts";
import type { DatabaseTarget } from "../lib/database-target.ts";
import { makeFolder } from "../store/durable-file.ts";
import { StoreRefused } from "../store/errors.ts";
import { copyAside, nameCopy, removeDatabase } from "../store/sqlite/backup.ts";
import { acquireLocks } from "../store/sqlite/lock.ts";
import { logOnce } from "./alerting.ts";
import { stagedIn } from "./backup.ts";
import { revokedHashes } from "./client-keys.ts";
import { fillFile, fillState, refuseAtWork } from "./move/portable.ts";
import { openState } from "./own-state.ts";
import {
  checkStaged,
  dropFormer,
  formerName,
  prepare,
  type Restored,
  type RestoreRequest,
  reportOf,
} from "./restore-staged.ts";

/**
 * Puts a backup in the place of a fleet's state, with nobody at work on any machine: its rows take the place of those that are there in one transaction, which
 * raises the epoch, so that no machine takes the state for the one it knew.
 */
export async function restoreFleet(
  request: RestoreRequest,
  file: string,
  target: DatabaseTarget,
): Promise<Restored> {
  const { config, clock } = request;
  const { paths } = config;
  const { withWholeState } = await import("../store/postgres/whole-state.ts");
  makeFolder(paths.state);
  const lock = acquireLocks([paths.lock, paths.gatewayLock, paths.remoteLock]);
  const staged = stagedIn(paths.state);
  try {
    copyAside(file, staged);
    const manifest = await checkStaged(request, file, staged);
    // Makes the schema where this is a new database, and refuses one that is closed, newer or another agent's.
    await (await openState({ ...config, paths: { ...paths, database: staged } })).close();
    const at = toIso(clock.nowMs());
    const former = formerName(config, at);
    const restored = reportOf(request, file, manifest, former);
    await withWholeState(target, async (state) => {
      if (state.gate === null) throw new StoreRefused("store_closed", "the state is closed: afk status");
      await refuseAtWork(state);
      if (request.isDryRun) return;
      await fillFile(`${former}.part`, state);
      nameCopy(`${former}.part`, former);
      const revoked = await revokedHashes(state.trx);
      restored.revokedKeys = await prepare(config, clock, staged, { madeAt: restored.madeAt, revoked });
      await fillState(staged, state);
      const { generation, epoch } = state.gate;
      await state.trx
        .updateTable("gate")
        .set({ generation: generation + 1, epoch: epoch + 1 })
        .execute();
    });
    if (request.isDryRun) return restored;
    restored.deleted.push(...dropFormer(paths.database));
    logOnce(config, clock, "state_restored", { ...restored });
    return restored;
  } finally {
    removeDatabase(staged);
    lock.release();
  }
}
