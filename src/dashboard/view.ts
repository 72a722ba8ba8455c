import type { Config } from "../config/config.ts";
import { envFileSecrets } from "../jobs/programs/env-file.ts";
import { type Clock, pause, systemClock } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { createRedactor, redacted } from "../lib/redact.ts";
import { inspectState } from "../ops/inspect-state.ts";
import { refuseOthers } from "../ops/own-state.ts";
import { observe, readWorker } from "../ops/worker.ts";
import { openReaderAt } from "../store/open-reader.ts";
import type { Reader } from "../store/reader.ts";
import type { Db } from "../store/schema.ts";
import { createSnapshots, type Snapshot, type SnapshotSources } from "./snapshot.ts";

/** What there is to show: the state, or why it cannot be read. */
export type Reading = { type: "seen"; snapshot: Snapshot } | { type: "unreadable"; problem: string };

/** What was looked for, without secrets, or why the state cannot be read. */
type Looked<T> = { type: "seen"; value: T } | { type: "unreadable"; problem: string };

/** What the page is made from, read when somebody asks. */
export interface View {
  /** The state as it is now; requests at the same time share one reading. Never rejects. */
  read(): Promise<Reading>;
  /** Something of the state that the page of the whole does not show, by a reader that cannot write. Never rejects. */
  look<T>(work: (db: Db, config: Config) => Promise<T>): Promise<Looked<T>>;
  /** Changes when the state does, or a worker comes or goes; "" while that cannot be told. */
  version(): Promise<string>;
  /** Goes by another configuration from now on. */
  reconfigure(config: Config): void;
  close(): Promise<void>;
}

/** What the answers are made from. */
export interface Site {
  config: Config;
  clock: Clock;
  view: View;
}

/** The work of the same process has as long as a reading took, up to this, before the next one, however many clients ask. */
const REST_MAX_MS = 2_000;
/** As often as a machine of a fleet gives a sign. */
const LEASE_LOOK_MS = 5_000;

/** Looks at the database by a connection that cannot write, and opens it anew when it was replaced or failed. */
export function createView(options: Omit<SnapshotSources, "redact">): View {
  const { clock } = options;
  const { database: path, lock } = options.config.paths;
  const place = { path, target: options.config.database };
  let sources = sourcesOf(options.config);
  let readSnapshot = createSnapshots(sources);
  let reader: Reader | undefined;
  let reading: Promise<Reading> | undefined;
  let rest = pause(0);
  /** Tells this reader's count of changes from those of the ones before it. */
  let opened = systemClock.nowMs();

  function sourcesOf(config: Config): SnapshotSources {
    return { ...options, config, redact: createRedactor([...config.secrets, ...envFileSecrets(config)]) };
  }

  /** Undefined where the first tick has yet to make the database, or the next one to migrate it. */
  async function current(): Promise<Reader | undefined> {
    if (reader?.isReplaced()) await drop();
    if (reader !== undefined) return reader;
    const found = await openReaderAt(place);
    if (found === null) return undefined;
    reader = found;
    opened += 1;
    if (!(await found.read(found.isMigrated))) await drop();
    return reader;
  }

  /** The state of another agent is refused, as everywhere: it says nothing of this one. */
  async function readOwn<T>(found: Reader, work: (db: Db) => Promise<T>): Promise<T> {
    return await found.read(async (db) => {
      await refuseOthers(db, sources.config);
      return await work(db);
    });
  }

  async function drop(): Promise<void> {
    const old = reader;
    reader = undefined;
    await old?.close();
  }

  async function snapshotBy(current: Reader | undefined): Promise<Snapshot> {
    // Before the first statement, with which the moment that is shown begins.
    const observed = await observe(sources.config, clock);
    if (current === undefined)
      return await inspectState(
        sources.config,
        (seen) => readSnapshot(seen.db, observed, seen.config),
        clock,
      );
    return await readOwn(current, (db) => readSnapshot(db, observed));
  }

  async function readNow(): Promise<Reading> {
    try {
      const found = await current();
      await rest.over;
      const startedMs = systemClock.uptimeMs();
      const snapshot = await snapshotBy(found);
      rest = pause(Math.min(REST_MAX_MS, systemClock.uptimeMs() - startedMs));
      return { type: "seen", snapshot };
    } catch (error) {
      await drop();
      return { type: "unreadable", problem: sources.redact(messageOf(error)) };
    }
  }

  async function lookNow<T>(work: (db: Db, config: Config) => Promise<T>): Promise<Looked<T>> {
    const { config, redact } = sources;
    try {
      const found = await current();
      const value =
        found === undefined
          ? await inspectState(config, (seen) => work(seen.db, seen.config), clock)
          : await readOwn(found, (db) => work(db, config));
      return { type: "seen", value: redacted(value, redact) };
    } catch (error) {
      await drop();
      return { type: "unreadable", problem: redact(messageOf(error)) };
    }
  }

  return {
    look: lookNow,
    read() {
      reading ??= readNow().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    async version() {
      try {
        if (reader === undefined || reader.isReplaced()) return "";
        const seen = `${opened}-${await reader.changes.seen()}-${readWorker(lock).state}`;
        if (sources.config.database === null) return seen;
        // That a lease runs out, or is renewed, changes no number.
        return `${seen}-${Math.floor(systemClock.uptimeMs() / LEASE_LOOK_MS)}`;
      } catch {
        return "";
      }
    },
    reconfigure(config) {
      sources = sourcesOf(config);
      readSnapshot = createSnapshots(sources);
    },
    close() {
      rest.end();
      return drop();
    },
  };
}
