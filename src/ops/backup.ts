import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import type { DatabaseTarget } from "../lib/database-target.ts";
import { DAY_MS } from "../lib/durations.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { StateLocked, StoreRefused } from "../store/errors.ts";
import type { Db } from "../store/schema.ts";
import {
  type BackupManifest,
  copyDatabase,
  nameCopy,
  openCopy,
  removeDatabase,
} from "../store/sqlite/backup.ts";
import { explain } from "../store/sqlite/errors.ts";
import { acquireLock } from "../store/sqlite/lock.ts";
import { refuseDamage } from "../store/sqlite/pages.ts";
import { unitSucceeded, withAlerting } from "./alerting.ts";
import { countersAgree } from "./counters.ts";
import { copyWhole } from "./move/portable.ts";
import { isThere } from "./unreadable.ts";

interface BackupRequest {
  config: Config;
  clock: Clock;
  version: string;
  /** Where it goes; `{date}` in its name stands for the day in UTC. */
  file: string;
  /** Replaces a file of that name. */
  isForced: boolean;
  /** Backups of the same name and any day that are kept, this one included; the older ones are deleted. Null: all. */
  keep: number | null;
}

/** A backup that was made. */
export type Backup = Awaited<ReturnType<typeof backupState>>;

/** A copy that was cut off by a crash is nobody's after this long. */
const STALE_MS = DAY_MS;

/**
 * Copies the state while a worker runs, checks the copy, and only then gives it its name.
 * @throws AfkError when there is a file already or nothing to copy; StoreRefused when the copy is not sound.
 */
export async function backupState(request: BackupRequest) {
  const { config, clock, version } = request;
  const nowMs = clock.nowMs();
  const pattern = resolve(request.file);
  const file = pattern.replaceAll("{date}", toIso(nowMs).slice(0, 10));
  refuseRequest(request, pattern, file);
  makeParent(file);
  const temporary = `${file}.${newId(nowMs)}.part`;
  return await withAlerting(config, clock, async ({ store, log }) => {
    try {
      const manifest = { agent: config.agent, version, madeAt: nowMs };
      if (config.database === null) await copyDatabase(store.db, temporary, manifest);
      else await copyFleet(config, config.database, temporary, manifest);
      await closing(await openCopy(temporary), ({ db }) => refuseUnsound(db, temporary));
      nameCopy(temporary, file);
    } finally {
      rmSync(temporary, { force: true });
    }
    const deleted = request.keep === null ? [] : deleteOld(pattern, request.keep, nowMs);
    const backup = { file, bytes: statSync(file).size, madeAt: toIso(nowMs), deleted };
    log.event("info", "backup_made", { ...backup });
    await unitSucceeded(store, clock, "afk-backup.service");
    return backup;
  });
}

/**
 * The same file as of a state on one machine, from one snapshot of the database.
 * @throws StateLocked while another backup is made here.
 */
async function copyFleet(
  { paths: { state } }: Config,
  target: DatabaseTarget,
  to: string,
  manifest: BackupManifest,
): Promise<void> {
  const filling = fillingIn(state);
  const lock = acquireLock(fillingLockIn(state));
  try {
    await copyWhole(target, filling);
    await closing(await openCopy(filling), ({ db }) => copyDatabase(db, to, manifest));
  } finally {
    removeDatabase(filling);
    lock.release();
  }
}

/** In the state folder, where it has room and is private. */
const fillingIn = (state: string) => join(state, "copying.db");
/** Held while that file is somebody's: a process number says nothing where two containers have one folder. */
const fillingLockIn = (state: string) => join(state, "copying-lock.db");

/** Where a backup is looked at and made ready, before it is put in the state's place: of whoever has the state's lock. */
export const stagedIn = (state: string) => join(state, "restoring.db");

/** Removes what a restore or a fleet's backup that was cut off has left. With the state's lock. */
export function removeCutOff({ state }: Config["paths"]): void {
  removeDatabase(stagedIn(state));
  const filling = fillingIn(state);
  if (!existsSync(filling)) return;
  try {
    const lock = acquireLock(fillingLockIn(state));
    removeDatabase(filling);
    lock.release();
  } catch (error) {
    // One that is at work removes it itself.
    if (!(error instanceof StateLocked)) throw error;
  }
}

/**
 * Reads every page, and derives the counters again from the ledger.
 * @throws StoreRefused
 */
export async function refuseUnsound(db: Db, path: string): Promise<void> {
  await refuseDamage(db, path);
  const differences = await countersAgree(db);
  if (differences.length === 0) return;
  throw new StoreRefused(
    "counters_differ",
    `${path} is no sound state: its counters disagree with its ledger (${differences.slice(0, 3).join("; ")}). Look: afk doctor`,
  );
}

function refuseRequest({ config, isForced, keep }: BackupRequest, pattern: string, file: string): void {
  const refuse = (code: string, message: string) => {
    const exitCode = code === "usage" ? EXIT.usage : EXIT.failed;
    throw new AfkError(code, message, { retry: "never", exitCode });
  };
  const { database } = config.paths;
  if (keep !== null && !basename(pattern).includes("{date}"))
    refuse(
      "usage",
      "--keep needs a file name with {date} in it, such as afk-{date}.db: older days are known by it",
    );
  if (dirname(pattern).includes("{date}"))
    refuse("usage", "{date} belongs in the file's name, not in its folder");
  if (config.database === null && !isThere(database))
    refuse("nothing_to_copy", `there is no state to copy: ${database} does not exist`);
  if (isSameFile(file, database)) refuse("exists", `${file} is the state itself; name another file`);
  const present = lstatSync(file, { throwIfNoEntry: false });
  if (present === undefined) return;
  if (!present.isFile()) refuse("exists", `${file} is there and is no plain file; name another`);
  if (!isForced) refuse("exists", `${file} is there already and was left as it is; replace it with --force`);
}

/** Whether both paths lead to one file that is there. */
export function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }));
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

/** One folder is made, not a whole path: a disk that is not mounted must not become a folder on another one. */
function makeParent(file: string): void {
  try {
    if (existsSync(dirname(file))) return;
    mkdirSync(dirname(file), 0o700);
    chmodSync(dirname(file), 0o700);
  } catch (error) {
    throw explain(error, file);
  }
}

/** Deletes what the same pattern made on older days, beyond the newest `keep`; gives the names. */
function deleteOld(pattern: string, keep: number, nowMs: number): string[] {
  const dir = dirname(pattern);
  const isPattern = (name: string) => dateOf(basename(pattern), name) !== "";
  const byDate = (a: string, b: string) =>
    dateOf(basename(pattern), a) < dateOf(basename(pattern), b) ? 1 : -1;
  const files = readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? entry.name : [],
  );
  const old = files.filter(isPattern).sort(byDate).slice(keep);
  const cutOff = files.filter(
    (name) =>
      CUT_OFF.test(name) &&
      isPattern(name.replace(CUT_OFF, "")) &&
      nowMs - statSync(join(dir, name)).mtimeMs > STALE_MS,
  );
  const deleted = [...old, ...cutOff].map((name) => join(dir, name));
  for (const path of deleted) rmSync(path, { force: true });
  return deleted;
}

const CUT_OFF = /\.[0-9a-z]{26}\.part$/;

/** The day that `{date}` stands for in a name; empty where the name is not of this pattern. */
function dateOf(pattern: string, name: string): string {
  const date = name.slice(pattern.indexOf("{date}")).slice(0, "YYYY-MM-DD".length);
  return /^\d{4}-\d{2}-\d{2}$/.test(date) && pattern.replaceAll("{date}", date) === name ? date : "";
}
