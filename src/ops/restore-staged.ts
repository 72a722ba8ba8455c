import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createOutbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import { AfkError } from "../lib/errors.ts";
import { silentLog } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { setKill } from "../rails/kill.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import type { Trx } from "../store/schema.ts";
import {
  type BackupManifest,
  dropManifest,
  emptyLog,
  openCopy,
  readManifest,
  removeDatabase,
} from "../store/sqlite/backup.ts";
import { openStore } from "../store/sqlite/open.ts";
import { refuseUnsound } from "./backup.ts";
import { revokeHashes } from "./client-keys.ts";
import { readMark } from "./high-water.ts";
import { readOwner, setOwner } from "./own-state.ts";

export interface RestoreRequest {
  config: Config;
  clock: Clock;
  file: string;
  /** Takes the backup of another agent, or one that does not say whose it is. */
  isForced: boolean;
  /** Checks everything and changes nothing. */
  isDryRun: boolean;
}

/** What was restored. */
export interface Restored {
  file: string;
  /** Null when the file does not say: it was not made by `afk backup`. */
  madeAt: string | null;
  agent: string | null;
  version: string | null;
  /** Where the former database is; null when there was none. */
  kept: string | null;
  /** Databases that earlier restores had kept, beyond the newest `FORMER_KEPT`. */
  deleted: string[];
  /** Keys of clients that were valid when the backup was made, and are not any more. */
  revokedKeys: number;
  isDryRun: boolean;
}

/** A database that a restore has replaced is kept, in case it was the wrong backup; so many of them. */
const FORMER_KEPT = 3;

/** @throws StoreRefused when it is not sound, not afk's or newer than this code; AfkError when it is another agent's. */
export async function checkStaged(
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

/** What the restored state must say from its first moment on, in one transaction. Gives how many keys it revoked. */
export async function prepare(
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
      // A code that was used since would be taken once more.
      await trx.updateTable("questions").set({ code_hash: null }).where("state", "=", "open").execute();
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

export function formerName({ paths }: Config, at: string): string {
  return `${paths.database}.before-restore-${at.replaceAll(":", "-")}`;
}

export function reportOf(
  { isDryRun }: RestoreRequest,
  file: string,
  manifest: BackupManifest | null,
  kept: string | null,
): Restored {
  return {
    file,
    madeAt: manifest === null ? null : toIso(manifest.madeAt),
    agent: manifest?.agent ?? null,
    version: manifest?.version ?? null,
    kept,
    deleted: [],
    revokedKeys: 0,
    isDryRun,
  };
}

/** Deletes what was kept by earlier restores, beyond the newest; gives the names. Their names end in the moment. */
export function dropFormer(database: string): string[] {
  const start = `${basename(database)}.before-restore-`;
  const former = readdirSync(dirname(database))
    .filter((name) => name.startsWith(start) && MOMENT.test(name.slice(start.length)))
    .sort();
  const old = former.slice(0, -FORMER_KEPT).map((name) => join(dirname(database), name));
  for (const path of old) removeDatabase(path);
  return old;
}

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z$/;
