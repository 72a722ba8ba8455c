import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createOutbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { explain, refuseSpecialFile, StoreRefused } from "../store/errors.ts";
import { refuseDamagedLog } from "../store/sqlite/wal.ts";
import { checkHighWater } from "./high-water.ts";
import { openState } from "./open-state.ts";
import { type Look, peek } from "./peek.ts";
import { isThere, unreadable } from "./unreadable.ts";

/**
 * Hands the state to `work` to be read: nothing is made in it and nothing changes, and the right to read it is enough.
 * What an agent would see that opens it is what is seen: where opening it would make, migrate or mend something, that is
 * done to a copy.
 * @throws OthersState (exit 78), StoreRefused, or what `work` throws.
 */
export async function look<T>(
  config: Config,
  work: (seen: Look) => Promise<T>,
  clock: Clock = systemClock,
): Promise<T> {
  const { database } = config.paths;
  try {
    for (const file of [database, `${database}-wal`]) refuseSpecialFile(file);
    refuseDamagedLog(database);
  } catch (error) {
    throw unreadable(database, error);
  }
  const seen = await peek(config, work);
  return seen === null ? await lookAtCopy(config, work, clock) : seen.value;
}

async function lookAtCopy<T>(config: Config, work: (seen: Look) => Promise<T>, clock: Clock): Promise<T> {
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
    const store = await openState(copied, { clock });
    try {
      const redact = createRedactor(config.secrets);
      const outbox = createOutbox({ agent: config.agent, clock, log: SILENT, redact });
      await checkHighWater(store, outbox, highWater, clock);
      return await work({ config: copied, db: store.db });
    } finally {
      await store.close();
    }
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
const TEMPORARY_PLACES = [tmpdir(), "/dev/shm"];

function makeTemporary(): string {
  let refused: unknown;
  for (const place of TEMPORARY_PLACES) {
    try {
      return mkdtempSync(join(place, "afk-look-"));
    } catch (error) {
      refused ??= explain(error, place);
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

/** The copy is not the state, so the log does not hear of what is done in it. */
const SILENT: Log = { event: () => undefined, child: () => SILENT };
