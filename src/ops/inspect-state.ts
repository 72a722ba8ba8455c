import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createOutbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import { silentLog } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { StoreRefused } from "../store/errors.ts";
import { readMeta } from "../store/meta.ts";
import { openReaderAt } from "../store/open-reader.ts";
import type { Db } from "../store/schema.ts";
import { explain, refuseSpecialFile } from "../store/sqlite/errors.ts";
import { refuseDamagedLog } from "../store/sqlite/wal.ts";
import { refuseUnmoved } from "./forgotten-database.ts";
import { checkHighWater, readMark } from "./high-water.ts";
import { openState, refuseOthers } from "./own-state.ts";
import { isThere, unreadable } from "./unreadable.ts";

/** What a command that only reads works with. */
export interface Inspected {
  /** Its paths lead to the copy where the state itself cannot be read as it is. */
  config: Config;
  db: Db;
}

/**
 * Hands the state to `work` to be read: nothing is made in it and nothing changes, and the right to read it is enough.
 * Where an agent that opens it would make, migrate or mend something, that is done to a copy, which `work` then sees; a fleet's
 * database is not copied, and what would have to be done to it is refused in words.
 * @throws OthersState (exit 78), StoreRefused, or what `work` throws.
 */
export async function inspectState<T>(
  config: Config,
  work: (inspected: Inspected) => Promise<T>,
  clock: Clock = systemClock,
): Promise<T> {
  if (config.database !== null) return await inspectDatabase(config, work, clock);
  const { database } = config.paths;
  try {
    for (const file of [database, `${database}-wal`]) refuseSpecialFile(file);
    refuseDamagedLog(database);
  } catch (error) {
    throw unreadable(database, error);
  }
  const seen = await inspectInPlace(config, work);
  return seen === null ? await inspectCopy(config, work, clock) : seen.value;
}

async function inspectDatabase<T>(
  config: Config,
  work: (inspected: Inspected) => Promise<T>,
  clock: Clock,
): Promise<T> {
  const seen = await readInPlace(config, work, (behind) => {
    const message = `${behind}; the next command that opens it, such as afk tick, sets the kill switch, until a person has looked: afk ledger, then afk resume`;
    throw new StoreRefused("state_rolled_back", message);
  });
  // Before its first tick it is empty, and so is this.
  if (seen === null) await refuseUnmoved(config);
  return seen === null ? await inspectCopy({ ...config, database: null }, work, clock) : seen.value;
}

/**
 * Hands the database to `work` as it is and of one moment, by a connection that cannot write. Null where it has to be made,
 * migrated, refused or announced first.
 * @throws OthersState (exit 78), or what `work` throws.
 */
export async function inspectInPlace<T>(
  config: Config,
  work: (inspected: Inspected) => Promise<T>,
): Promise<{ value: T } | null> {
  try {
    return await readInPlace(config, work, () => null);
  } catch (error) {
    if (error instanceof StoreRefused) return null;
    throw error;
  }
}

/** `onOlderCopy` is told how the database is behind what this machine has seen. */
async function readInPlace<T>(
  config: Config,
  work: (inspected: Inspected) => Promise<T>,
  onOlderCopy: (behind: string) => null,
): Promise<{ value: T } | null> {
  const { database, highWater } = config.paths;
  const opened = await openReaderAt({ path: database, target: config.database });
  if (opened === null) return null;
  // Before the moment that is looked at: a tick that begins meanwhile raises the mark behind the database.
  const mark = readMark(highWater).generation;
  return await closing(opened, (reader) =>
    reader.read(async (db) => {
      if (!(await reader.isMigrated(db))) return null;
      await refuseOthers(db, config);
      const generation = await readMeta(db, "generation");
      if (mark > generation)
        return onOlderCopy(
          `the database is an older copy: at ${generation}, and ${highWater} has seen ${mark}`,
        );
      return { value: await work({ config, db }) };
    }),
  );
}

async function inspectCopy<T>(
  config: Config,
  work: (inspected: Inspected) => Promise<T>,
  clock: Clock,
): Promise<T> {
  const { paths } = config;
  const dir = makeTemporary();
  const database = join(dir, "afk.db");
  const highWater = join(dir, "high-water.json");
  // A state folder that no tick has made yet has no STOP file in it, and no folder either that could have gone away.
  const isUnmade = dirname(paths.stopFile) === paths.state && !existsSync(paths.state);
  const copied = {
    ...config,
    paths: { ...paths, database, highWater, stopFile: isUnmade ? join(dir, "STOP") : paths.stopFile },
  };
  try {
    copyState(paths.database, database);
    if (existsSync(paths.highWater)) copyReadable(paths.highWater, highWater);
    return await closing(await openState(copied, { clock }), async (store) => {
      const redact = createRedactor(config.secrets);
      // The copy is not the state, so the log does not hear of what is done in it.
      const outbox = createOutbox({
        agent: config.agent,
        timezone: config.timezone,
        clock,
        log: silentLog,
        redact,
      });
      await checkHighWater(store, outbox, highWater, clock);
      return await work({ config: copied, db: store.db });
    });
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error;
    throw new StoreRefused(error.code, error.message.replaceAll(dir, dirname(paths.database)), {
      cause: error,
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The image runs on a read-only root, where memory is all that can be written beside the state. */
const TEMPORARY_FOLDERS = [tmpdir(), "/dev/shm"];

function makeTemporary(): string {
  let refused: unknown;
  for (const folder of TEMPORARY_FOLDERS) {
    try {
      return mkdtempSync(join(folder, "afk-look-"));
    } catch (error) {
      refused ??= explain(error, folder);
    }
  }
  throw refused;
}

/** A database that an older afk writes meanwhile is copied again, at most so often. */
const TRIES = 3;

function copyState(from: string, to: string): void {
  for (let tries = 1; isThere(from); tries++) {
    const before = stampOf(from);
    for (const suffix of ["", "-wal"]) {
      rmSync(`${to}${suffix}`, { force: true });
      if (isThere(`${from}${suffix}`)) copyReadable(`${from}${suffix}`, `${to}${suffix}`);
    }
    if (stampOf(from) === before) return;
    if (tries === TRIES)
      throw new StoreRefused("store_busy", `${from} is being written, and cannot be copied; look again`);
  }
}

function copyReadable(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch (error) {
    throw unreadable(from, error);
  }
}

function stampOf(path: string): string {
  return ["", "-wal"]
    .map((suffix) => statSync(`${path}${suffix}`, { throwIfNoEntry: false, bigint: true }))
    .map((found) => `${found?.ino} ${found?.size} ${found?.mtimeNs}`)
    .join();
}
