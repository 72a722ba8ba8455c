import { channelId } from "../alerts/channels/registry.ts";
import { deliverAlerts, nextRetryAt } from "../alerts/deliver.ts";
import type { Outbox } from "../alerts/outbox.ts";
import { takeOverChannels } from "../alerts/recipients.ts";
import { takeOverRoutes } from "../alerts/routes.ts";
import type { Config } from "../config/config.ts";
import { nextDeliveryAt } from "../delivery/counts.ts";
import { deliverResults } from "../delivery/deliver.ts";
import { targetsOf } from "../delivery/receivers.ts";
import { afterUnref, type Clock, idlePause, type Pause, pause } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { joinSignals } from "../lib/signals.ts";
import { agingNow } from "../rails/budget-time.ts";
import type { KillWatch } from "../rails/kill-watch.ts";
import type { Store } from "../store/store.ts";

/** How long a tick waits for what is under way: at its end, and when the kill switch was set in the middle of it. */
export const SETTLE_MS = 20_000;
export const SETTLE_KILLED_MS = 1_000;
/** How long the end of a process waits. The next process goes on. */
const CLOSE_MS = 2_000;

/**
 * Sends what waits in the database beside whatever else the process does. One message at a time goes to a channel, and none
 * waits for another channel's. It sends the same rows as other processes, and no row twice.
 */
export interface Sender {
  /** Takes over channels and routes of the configuration: who gets what is raised from now on, and what waits. */
  takeOver(): Promise<void>;
  /** To be called after a commit that wrote something to send: it goes out at once. Takes no time, and never throws. */
  wake(): void;
  /** Sends what waits, and until the function that it gives is called also what others write, which it notices within IDLE_MS. */
  hold(): () => void;
  /** Resolves when everything that is due was tried, or after so many milliseconds; what is under way then goes on. */
  settled(limitMs: number): Promise<void>;
  /** Waits a little for what is under way, and ends it; nothing is sent from then on. What is unsent stays pending. */
  close(): Promise<void>;
}

/** What a sender works with. */
interface SenderOptions {
  store: Store;
  outbox: Pick<Outbox, "announce">;
  clock: Clock;
  log: Log;
  /** The configuration as it stands now, and whether the file says something else since. */
  current: () => Config;
  hasNews: () => boolean;
  /** When the process is told to end, what is under way ends at once. A kill switch alone silences nobody. */
  watch: Pick<KillWatch, "signal" | "terminated">;
}

/** Makes the sender of a process. It does nothing until it is woken or held. */
export function createSender(options: SenderOptions): Sender {
  const { store, current, watch } = options;
  const { terminated } = watch;
  const closed = new AbortController();
  const passes = new Map<string, SingleFlight>();
  let cancelRetry = () => {};
  let nap: Pause | null = null;
  let held = 0;
  let takenOver = "";
  let isWatching = false;

  const isOver = () => closed.signal.aborted || terminated.aborted;

  function wakeOne(id: string, work: (signal: AbortSignal) => Promise<unknown>, failure: string): void {
    const pass = passes.get(id) ?? createSingleFlight(() => send(work, failure), isOver);
    passes.set(id, pass);
    pass.wake();
  }

  /** Alerts and results go out side by side, so that a long result keeps no alert waiting. */
  function wake(): void {
    if (isOver()) return;
    const config = current();
    for (const channel of config.alerts) {
      const only = channelId(channel);
      wakeOne(only, (signal) => sendAlerts(only, signal), "alert_failed");
    }
    for (const target of targetsOf(config))
      wakeOne(`result:${target}`, (signal) => sendResults(target, signal), "delivery_delayed");
  }

  async function takeOver(): Promise<void> {
    const { alerts, jobs } = current();
    await takeOverChannels(store, alerts, { nowMs: options.clock.nowMs(), log: options.log });
    await takeOverRoutes(store, jobs);
    takenOver = statedIn(alerts, jobs);
  }

  /** Where nothing ticks, as in a program with the library alone. A configuration that is not the newest changes nothing. */
  async function takeOverOnce(): Promise<void> {
    const { alerts, jobs } = current();
    if (alerts.length > 0 && takenOver !== statedIn(alerts, jobs) && !options.hasNews()) await takeOver();
  }

  async function sendAlerts(only: string, signal: AbortSignal): Promise<void> {
    await takeOverOnce();
    const { clock, log } = options;
    const agingMs = await agingNow(store.db, clock);
    await deliverAlerts({ store, channels: current().alerts, only, clock, agingMs, log, signal });
  }

  async function sendResults(target: string, signal: AbortSignal): Promise<void> {
    const { outbox, clock, log } = options;
    await deliverResults({ store, config: current(), target, outbox, clock, log, signal });
  }

  /** One pass over what is due at one place. What goes wrong is logged, and tried again at the next waking. */
  async function send(work: (signal: AbortSignal) => Promise<unknown>, failure: string): Promise<void> {
    using ended = joinSignals([closed.signal, terminated]);
    try {
      await work(ended.signal);
      await planRetry();
    } catch (error) {
      options.log.event("error", failure, { error: messageOf(error) });
    }
  }

  /** What is due already and was not sent waits for a channel that is down, or is gathered: it has time. */
  async function planRetry(): Promise<void> {
    const dueAt = [await nextRetryAt(store.db, current().alerts), await nextDeliveryAt(store.db)];
    if (isOver()) return;
    cancelRetry();
    const waitMs = Math.min(...dueAt.map((at) => at ?? Infinity)) - options.clock.nowMs();
    if (waitMs === Infinity) return;
    cancelRetry = afterUnref(waitMs <= 0 ? MINUTE_MS : Math.min(waitMs, MINUTE_MS), wake);
  }

  /** What a changed configuration says is taken over too. All who idle share a timer, so that this wakes nobody who is not awake then anyway. */
  async function watchOthers(): Promise<void> {
    isWatching = true;
    try {
      let version: number | null = null;
      let config: unknown = null;
      while (held > 0 && !isOver()) {
        const seen = await store.changes.seen();
        if (seen !== version || config !== current()) wake();
        version = seen;
        config = current();
        nap = idlePause();
        await nap.over;
      }
    } catch (error) {
      options.log.event("error", "alert_failed", { error: messageOf(error) });
    } finally {
      isWatching = false;
    }
  }

  async function settled(limitMs: number): Promise<void> {
    const limit = pause(limitMs);
    let isTimeUp = false;
    void limit.over.then(() => {
      isTimeUp = true;
    });
    const busy = () => [...passes.values()].flatMap((pass) => pass.running() ?? []);
    while (!isTimeUp && busy().length > 0) await Promise.race([Promise.all(busy()), limit.over]);
    limit.end();
  }

  return {
    takeOver,
    wake,
    settled,
    hold() {
      held += 1;
      if (!isWatching) void watchOthers();
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        held -= 1;
        if (held === 0) nap?.end();
      };
    },
    async close() {
      await settled(watch.signal.aborted ? SETTLE_KILLED_MS : CLOSE_MS);
      closed.abort();
      cancelRetry();
      nap?.end();
      await Promise.all([...passes.values()].map((pass) => pass.running()));
    },
  };
}

function statedIn(alerts: Config["alerts"], jobs: Config["jobs"]): string {
  return JSON.stringify([alerts, jobs.map(({ name, alerts: route }) => [name, route])]);
}

/** Work that is done once at a time, and once more where it was asked for meanwhile. */
interface SingleFlight {
  wake(): void;
  /** Resolves when it is over; null while nothing is done. */
  running(): Promise<void> | null;
}

function createSingleFlight(work: () => Promise<void>, isOver: () => boolean): SingleFlight {
  let running: Promise<void> | null = null;
  let isWanted = false;
  async function run(): Promise<void> {
    while (isWanted && !isOver()) {
      isWanted = false;
      await work();
    }
    running = null;
  }
  return {
    wake() {
      isWanted = true;
      running ??= run();
    },
    running: () => running,
  };
}
