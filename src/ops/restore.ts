import { lstatSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { toIso } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import { AfkError, assertNever } from "../lib/errors.ts";
import { makeFolder } from "../store/durable-file.ts";
import { StoreRefused } from "../store/errors.ts";
import { copyAside, removeDatabase } from "../store/sqlite/backup.ts";
import { acquireLocks } from "../store/sqlite/lock.ts";
import { openReader, peekOwner } from "../store/sqlite/open-reader.ts";
import { lookAtPresent, replaceContent, replaceFile } from "../store/sqlite/replace.ts";
import { logOnce } from "./alerting.ts";
import { isSameFile, stagedIn } from "./backup.ts";
import { revokedHashes } from "./client-keys.ts";
import { OthersState } from "./own-state.ts";
import { restoreFleet } from "./restore-fleet.ts";
import {
  checkStaged,
  dropFormer,
  formerName,
  prepare,
  type Restored,
  type RestoreRequest,
  reportOf,
} from "./restore-staged.ts";
import { stopByFile } from "./stop.ts";

/**
 * Puts a backup in the place of the state. Its kill switch is set before it gets there: what was spent after it was made
 * is missing from its counters, so nothing may be spent before a person has looked.
 * @throws StateLocked while a worker or a gateway is at work; StoreRefused or AfkError when the backup is not to be used.
 */
export async function restoreState(request: RestoreRequest): Promise<Restored> {
  const { config, clock } = request;
  const file = resolve(request.file);
  refuseFile(file, config.paths.database);
  if (config.database !== null) return await restoreFleet(request, file, config.database);
  const owner = peekOwner(config.paths.database);
  if (owner !== null && owner !== config.agent) throw new OthersState(config, owner);
  makeFolder(config.paths.state);
  const lock = acquireLocks([config.paths.lock, config.paths.gatewayLock, config.paths.remoteLock]);
  const staged = stagedIn(config.paths.state);
  try {
    copyAside(file, staged);
    const manifest = await checkStaged(request, file, staged);
    const at = toIso(clock.nowMs());
    const present = lookAtPresent(config.paths.database);
    const former = formerName(config, at);
    const restored = reportOf(request, file, manifest, present === "nothing" ? null : former);
    if (request.isDryRun) return restored;
    const revoked = present === "nothing" ? [] : await readRevoked(config.paths.database);
    restored.revokedKeys = await prepare(config, clock, staged, { madeAt: restored.madeAt, revoked });
    if (present === "database") await replaceContent(staged, config.paths.database, former);
    else if (present === "damaged" || present === "nothing") replaceStopped(config, staged, former);
    else assertNever(present);
    restored.deleted.push(...dropFormer(config.paths.database));
    logOnce(config, clock, "state_restored", { ...restored });
    return restored;
  } finally {
    removeDatabase(staged);
    lock.release();
  }
}

function refuseFile(file: string, database: string): void {
  const refusal = (message: string) => new AfkError("no_backup", message, { retry: "never" });
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw refusal(`there is no file ${file}`);
  if (!found.isFile()) throw refusal(`${file} is no plain file`);
  if (isSameFile(file, database)) throw refusal(`${file} is the state itself`);
  if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    throw refusal(
      `${file}-wal lies beside it: this is a database that is in use or was copied in use, not a backup. Make one with: afk backup`,
    );
  }
}

/** Where it cannot be read which keys were revoked, any may have been. */
async function readRevoked(database: string): Promise<string[] | "all"> {
  try {
    return await closing(openReader(database), (reader) => reader.read(revokedHashes));
  } catch (error) {
    if (error instanceof StoreRefused) return "all";
    throw error;
  }
}

/** The STOP file holds the agent while the old file is without its log; the new one has its own switch set. */
function replaceStopped(config: Config, staged: string, former: string): void {
  const { stopFile } = config.paths;
  const isOurs = lstatSync(stopFile, { throwIfNoEntry: false }) === undefined;
  if (isOurs) stopByFile(stopFile, "afk restore has not ended; run it again");
  replaceFile(staged, config.paths.database, former);
  if (isOurs) rmSync(stopFile, { force: true });
}
