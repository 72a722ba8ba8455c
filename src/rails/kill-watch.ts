import { idlePause, type Pause, pause } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";
import { isUnreachable } from "../store/errors.ts";
import type { Store } from "../store/store.ts";
import { type Kill, Killed } from "./halt.ts";
import { readKillRow, readReplaced } from "./kill.ts";
import { readStopFile } from "./stop-file.ts";

const POLL_IN_FLIGHT_MS = 250;
/** So many waits in a row without an answer of the database, 5 s of them, and what is in flight is ended: nobody could stop it. */
const BLIND_WAITS = 20;
/** How long the end of a stopped process may wait for a database that is away. */
const ENDING_PATIENCE_MS = 2_000;

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
  /** The same for a watch that tripped since the database did not answer, and for no other: for whoever begins something new. */
  recover(): Promise<void>;
}

function blind(): Kill {
  const seconds = (BLIND_WAITS * POLL_IN_FLIGHT_MS) / 1_000;
  const reason = `the database has not answered for ${seconds} s, so whether the kill switch is set cannot be told`;
  return { by: "database", at: 0, reason, remedy: "it goes on once the database answers" };
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
  let asking: ReturnType<typeof askRow> | null = null;

  const trip = (kill: Kill) => {
    trips += 1;
    if (!killed.signal.aborted) store.setPatience(kill.by === "database" ? 0 : ENDING_PATIENCE_MS);
    if (kill.by === "signal") terminated.abort(new Killed(kill));
    if (!killed.signal.aborted) killed.abort(new Killed(kill));
  };

  async function watch(): Promise<void> {
    isRunning = true;
    const endHints = store.onHint(() => nap?.end());
    try {
      while (held.in_flight + held.idle > 0 && !killed.signal.aborted) {
        const kill = await lookOrBlind();
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
      endHints();
    }
  }

  const readFiles = () => readReplaced(store) ?? readStopFile(stopFile);

  /**
   * A look that a database elsewhere may not answer; the files are read meanwhile. Counted are the watch's own waits, not the time
   * that passed: a process that was suspended looks once more before it takes the database for gone.
   */
  async function lookOrBlind(): Promise<Kill | null> {
    for (let waits = 0; ; waits++) {
      const file = readFiles();
      if (file !== null) return file;
      if (killed.signal.aborted) return null;
      if (waits === BLIND_WAITS) return blind();
      asking ??= askRow();
      const wait = pause(POLL_IN_FLIGHT_MS);
      const answer = await Promise.race([asking, wait.over]);
      if (answer !== undefined && "kill" in answer) {
        wait.end();
        return answer.kill;
      }
      await wait.over;
    }
  }

  /** What the row says, or that nobody could say. One is asked at a time. */
  async function askRow(): Promise<{ kill: Kill | null } | { isAway: true }> {
    try {
      return { kill: await lookAtRow() };
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      return { isAway: true };
    } finally {
      asking = null;
    }
  }

  async function look(): Promise<Kill | null> {
    return readFiles() ?? (await lookAtRow());
  }

  async function lookAtRow(): Promise<Kill | null> {
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

  const watching: KillWatch = {
    get signal() {
      return killed.signal;
    },
    terminated: terminated.signal,
    trip,
    inFlight: () => held.in_flight,
    async recover() {
      const { aborted, reason } = killed.signal;
      if (aborted && reason instanceof Killed && reason.kill.by === "database") await watching.arm();
    },
    async arm() {
      if (!killed.signal.aborted) return true;
      const before = trips;
      // Only a database that is asked again can answer.
      store.setPatience(ENDING_PATIENCE_MS);
      const clear = await isClear().catch(() => false);
      // A trip while the switch was read is of something that this look may have missed. The watcher has then not ended yet
      // either, or has told of its own error.
      if (!clear || trips !== before || terminated.signal.aborted) return false;
      // Several may arm it at a time; the first has done it.
      if (!killed.signal.aborted) return true;
      killed = new AbortController();
      store.setPatience(null);
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
  return watching;
}
