import { existsSync, lstatSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createOutbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import { AfkError, assertNever } from "../lib/errors.ts";
import { silentLog } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { setKill } from "../rails/kill.ts";
import { makeFolder } from "../store/durable-file.ts";
import { StoreRefused } from "../store/errors.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import type { Trx } from "../store/schema.ts";
import {
  type BackupManifest,
  copyAside,
  dropManifest,
  emptyLog,
  openCopy,
  readManifest,
  removeDatabase,
} from "../store/sqlite/backup.ts";
import { acquireLocks } from "../store/sqlite/lock.ts";
import { openStore } from "../store/sqlite/open.ts";
import { openReader, peekOwner } from "../store/sqlite/open-reader.ts";
import { lookAtPresent, replaceContent, replaceFile } from "../store/sqlite/replace.ts";
import { logOnce } from "./alerting.ts";
import { isSameFile, refuseUnsound } from "./backup.ts";
import { revokedHashes, revokeHashes } from "./client-keys.ts";
import { readMark } from "./high-water.ts";
import { OthersState, readOwner, setOwner } from "./own-state.ts";
import { stopByFile } from "./stop.ts";

interface RestoreRequest {
  config: Config;
  clock: Clock;
  file: string;
  /** Takes the backup of another agent, or one that does not say whose it is. */
  isForced: boolean;
  /** Checks everything and changes nothing. */
  isDryRun: boolean;
}

/** What was restored. */
export type Restored = Awaited<ReturnType<typeof restoreState>>;

/** A database that a restore has replaced is kept, in case it was the wrong backup; so many of them. */
const FORMER_KEPT = 3;

/**
 * Puts a backup in the place of the state. Its kill switch is set before it gets there: what was spent after it was made
 * is missing from its counters, so nothing may be spent before a person has looked.
 * @throws StateLocked while a worker or a gateway is at work; StoreRefused or AfkError when the backup is not to be used.
 */
export async function restoreState(request: RestoreRequest) {
  const { config, clock } = request;
  const file = resolve(request.file);
  refuseFile(file, config.paths.database);
  const owner = peekOwner(config.paths.database);
  if (owner !== null && owner !== config.agent) throw new OthersState(config, owner);
  makeFolder(config.paths.state);
  const lock = acquireLocks([config.paths.lock, config.paths.gatewayLock, config.paths.remoteLock]);
  const staged = join(config.paths.state, "restoring.db");
  try {
    copyAside(file, staged);
    const manifest = await checkStaged(request, file, staged);
    const at = toIso(clock.nowMs());
    const present = lookAtPresent(config.paths.database);
    const former = `${config.paths.database}.before-restore-${at.replaceAll(":", "-")}`;
    const restored = {
      file,
      /** Null when the file does not say: it was not made by `afk backup`. */
      madeAt: manifest === null ? null : toIso(manifest.madeAt),
      agent: manifest?.agent ?? null,
      version: manifest?.version ?? null,
      /** Where the former database is; null when there was none. */
      kept: present === "nothing" ? null : former,
      /** Databases that earlier restores had kept, beyond the newest `FORMER_KEPT`. */
      deleted: [] as string[],
      /** Keys of clients that were valid when the backup was made, and are not any more. */
      revokedKeys: 0,
      isDryRun: request.isDryRun,
    };
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

/** @throws StoreRefused when it is not sound, not afk's or newer than this code; AfkError when it is another agent's. */
async function checkStaged(
  { config, isForced }: RestoreRequest,
  file: string,
  staged: string,
): Promise<BackupManifest | null> {
  const manifest = await closing(await openCopy(staged), ({ db }) => readManifest(db));
  if (manifest?.agent !== config.agent && !isForced) {
    const whose = manifest === null ? "does not say whose it is" : `is of the agent ${manifest.agent}`;
    throw new AfkError(
      "other_agent",
      `${file} ${whose}, and this one is ${config.agent}; if that is meant, say --force`,
      { retry: "never" },
    );
  }
  // Migrates the copy, and refuses one that is newer than this code.
  await closing(await openStore(staged), ({ db }) => refuseUnsound(db, file));
  return manifest;
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

/** What the restored state must say from its first moment on, in one transaction. Gives how many keys it revoked. */
async function prepare(
  config: Config,
  clock: Clock,
  staged: string,
  { madeAt, revoked }: { madeAt: string | null; revoked: readonly string[] | "all" },
): Promise<number> {
  const { agent, timezone } = config;
  const redact = createRedactor(config.secrets);
  const outbox = createOutbox({ agent, timezone, clock, log: silentLog, redact });
  const made = madeAt === null ? "at an unknown time" : `at ${madeAt}`;
  const reason = `a backup that was made ${made} was restored: money spent since is missing from its counters`;
  const mark = readMark(config.paths.highWater);
  return await closing(await openStore(staged), async (store) => {
    const count = await store.atomically(async (trx) => {
      // An older reason would hide this one.
      await trx.updateTable("kill_switch").set({ set_at: null, reason: null }).where("id", "=", 1).execute();
      await setKill(trx, outbox.announce, reason, clock.nowMs());
      // The mark's own refusal would only say the same again, after the person has resumed.
      const generation = await readMeta(trx, "generation");
      if (Number.isFinite(mark.generation))
        await writeMeta(trx, "generation", Math.max(generation, mark.generation));
      // A backup of another agent was forced on this one by a person, and is this one's from now on.
      if ((await readOwner(trx)) !== agent) await setOwner(trx, agent, clock.nowMs());
      await publishAgain(trx, config);
      await dropManifest(trx);
      // A key that was revoked since must not open the gateway again.
      return await revokeHashes(trx, revoked, clock.nowMs());
    });
    await emptyLog(store.db);
    return count;
  });
}

/** Files of out/ that are not there, on a new host all of them, are written again by the next tick. */
async function publishAgain(trx: Trx, { paths }: Config): Promise<void> {
  const outputs = await trx.selectFrom("outputs").select("name").where("state", "=", "published").execute();
  const unpublished = { state: "pending", published_at: null } as const;
  for (const { name } of outputs)
    if (!existsSync(join(paths.out, name)))
      await trx.updateTable("outputs").set(unpublished).where("name", "=", name).execute();
}

/** The STOP file holds the agent while the old file is without its log; the new one has its own switch set. */
function replaceStopped(config: Config, staged: string, former: string): void {
  const { stopFile } = config.paths;
  const isOurs = lstatSync(stopFile, { throwIfNoEntry: false }) === undefined;
  if (isOurs) stopByFile(stopFile, "afk restore has not ended; run it again");
  replaceFile(staged, config.paths.database, former);
  if (isOurs) rmSync(stopFile, { force: true });
}

/** Deletes what was kept by earlier restores, beyond the newest; gives the names. Their names end in the moment. */
function dropFormer(database: string): string[] {
  const start = `${basename(database)}.before-restore-`;
  const former = readdirSync(dirname(database))
    .filter((name) => name.startsWith(start) && MOMENT.test(name.slice(start.length)))
    .sort();
  const old = former.slice(0, -FORMER_KEPT).map((name) => join(dirname(database), name));
  for (const path of old) removeDatabase(path);
  return old;
}

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z$/;
