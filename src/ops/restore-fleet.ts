import type { Config } from "../config/config.ts";
import { toIso } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import type { DatabaseTarget } from "../lib/database-target.ts";
import { makeFolder } from "../store/durable-file.ts";
import { StoreRefused } from "../store/errors.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import type { WholeState } from "../store/postgres/whole-state.ts";
import { copyAside, nameCopy, removeDatabase } from "../store/sqlite/backup.ts";
import { acquireLocks } from "../store/sqlite/lock.ts";
import { openStore } from "../store/sqlite/open.ts";
import { rowsOf } from "../store/sqlite/rows.ts";
import { logOnce } from "./alerting.ts";
import { stagedIn } from "./backup.ts";
import { revokedHashes } from "./client-keys.ts";
import { refuseUnmoved } from "./forgotten-database.ts";
import { fillFile, fillState, refuseAtWork } from "./move/portable.ts";
import { refuseOthers } from "./own-state.ts";
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
    await refuseUnmoved(config);
    const at = toIso(clock.nowMs());
    const restored = await withWholeState(target, async (state) => {
      const isNew = state.applied.length === 0;
      const former = isNew ? null : formerName(config, at);
      const restored = reportOf(request, file, manifest, former);
      if (!isNew) await refuseUnfit(state, config, target);
      if (request.isDryRun) return restored;
      if (former === null) await state.make();
      else {
        await fillFile(`${former}.part`, state);
        nameCopy(`${former}.part`, former);
      }
      const revoked = await revokedHashes(state.trx);
      restored.revokedKeys = await prepare(config, clock, staged, { madeAt: restored.madeAt, revoked });
      const generation = isNew ? 0 : await readMeta(state.trx, "generation");
      await closing(await openStore(staged), (store) =>
        store.atomically((trx) => fillState(rowsOf(trx), state)),
      );
      // Other machines have marks of their own, which would only say the same again after the person has resumed.
      if (generation > (await readMeta(state.trx, "generation")))
        await writeMeta(state.trx, "generation", generation);
      await state.trx
        .updateTable("gate")
        .set((eb) => ({ generation: eb("generation", "+", 1), epoch: eb("epoch", "+", 1) }))
        .execute();
      return restored;
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

/** Of a schema that holds a state. @throws StoreRefused, OthersState, AfkError (exit 75) while a machine is at work. */
async function refuseUnfit(state: WholeState, config: Config, { schema }: DatabaseTarget): Promise<void> {
  if (state.gate === null) {
    const message = `the schema ${schema} is closed, or of an older version of afk; nothing was changed. Look: afk status`;
    throw new StoreRefused("store_closed", message);
  }
  await refuseOthers(state.trx, config);
  await refuseAtWork(state);
}
