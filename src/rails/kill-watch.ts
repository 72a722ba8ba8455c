import { idlePause, type Pause, pause } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import type { Store } from "../store/store.ts";
import { type Kill, Killed } from "./halt.ts";
import { readKillRow, readReplaced } from "./kill.ts";
import { readStopFile } from "./stop-file.ts";

const POLL_IN_FLIGHT_MS = 250;

/**
 * Watches the kill switch while somebody holds the watch, and aborts `signal` (reason: Killed) once it is set. The file
 * is polled, since file events get lost on volumes; the row is read when another connection has committed.
 */
export interface KillWatch {
  /**
   * Each piece of work takes it once, at its beginning: one that has aborted stays so, and `arm` puts another in its place
   * for what begins later.
   */
  readonly signal: AbortSignal;
  /** Aborts only when the process itself was told to end: then not even the delivery of alerts may take its time. */
  terminated: AbortSignal;
  /** Watches until the returned function is called: closely with a call in flight, every IDLE_MS otherwise. */
  hold(kind: "in_flight" | "idle"): () => void;
  /** How many calls hold it now. */
  inFlight(): number;
  /** Trips the watch itself: SIGTERM, or a switch found set by somebody else. */
  trip(kill: Kill): void;
  /**
   * Arms a watch that has tripped, when the switch is found clear: for a process that stays up. False while the switch is
   * set or cannot be read, and for good once the process was told to end.
   */
  arm(): Promise<boolean>;
}

/** Watches the kill row and the STOP file while something holds the watch. */
export function createKillWatch(store: Store, stopFile: string): KillWatch {
  let killed = new AbortController();
  const terminated = new AbortController();
  const held = { in_flight: 0, idle: 0 };
  let nap: Pause | null = null;
  let isRunning = false;
  let version = -1;
  let trips = 0;

  const trip = (kill: Kill) => {
    trips += 1;
    if (kill.by === "signal") terminated.abort(new Killed(kill));
    if (!killed.signal.aborted) killed.abort(new Killed(kill));
  };

  async function watch(): Promise<void> {
    isRunning = true;
    try {
      while (held.in_flight + held.idle > 0 && !killed.signal.aborted) {
        const kill = await look();
        if (kill !== null) return trip(kill);
        // Real time whatever clock the rest is given: a kill must not wait for a simulated one.
        nap = held.in_flight > 0 ? pause(POLL_IN_FLIGHT_MS) : idlePause();
        await nap.over;
      }
    } catch (error) {
      // A switch that cannot be read is not known to be off.
      trip({ by: "row", at: 0, reason: `the kill switch cannot be read: ${messageOf(error)}` });
    } finally {
      // In the same turn as the last look at who holds: a call that comes a moment later must find no watcher, and start one.
      isRunning = false;
    }
  }

  async function look(): Promise<Kill | null> {
    const file = readReplaced(store) ?? readStopFile(stopFile);
    if (file !== null) return file;
    const current = await store.changes.seen();
    if (current === version) return null;
    const row = await readKillRow(store.db);
    version = current;
    return row;
  }

  /** Whatever was seen before says nothing: the row is read, and the file once more after it. */
  async function isClear(): Promise<boolean> {
    version = -1;
    return (await look()) === null && readStopFile(stopFile) === null;
  }

  return {
    get signal() {
      return killed.signal;
    },
    terminated: terminated.signal,
    trip,
    inFlight: () => held.in_flight,
    async arm() {
      if (!killed.signal.aborted) return true;
      const before = trips;
      const clear = await isClear().catch(() => false);
      // A trip while the switch was read is of something that this look may have missed. The watcher has then not ended yet
      // either, or has told of its own error.
      if (!clear || trips !== before || terminated.signal.aborted) return false;
      // Several may arm it at a time; the first has done it.
      if (!killed.signal.aborted) return true;
      killed = new AbortController();
      // The watcher of before may be in its last nap, and goes on with the new signal. One that begins looks at once: what was
      // set since the look above is seen, and until then the gates see it.
      version = -1;
      if (isRunning) nap?.end();
      else if (held.in_flight + held.idle > 0) void watch();
      return true;
    },
    hold(kind) {
      held[kind] += 1;
      if (!isRunning) void watch();
      // Within a close nap it looks soon enough; the calls of a job that follow each other would wake it each time.
      else if (kind === "in_flight" && nap !== null && nap.ms > POLL_IN_FLIGHT_MS) nap.end();
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        held[kind] -= 1;
        if (held.in_flight + held.idle === 0) nap?.end();
      };
    },
  };
}
