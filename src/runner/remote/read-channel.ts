import { type Clock, pause, systemClock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../store/store.ts";
import { readCursor, recordConnection } from "./cursor.ts";
import { type Batch, RemoteFailed, type Transport } from "./transport.ts";

/** The first wait after a failure; each further one is twice as long. */
const WAIT_MS = 1_000;
const WAIT_MAX_MS = MINUTE_MS;
const ASKED_MAX_MS = 10 * MINUTE_MS;
/** Between two requests, at the least, so that a flood of messages leaves the machine to the work; and where one had nothing. */
const PACE_MS = 100;
const EMPTY_PACE_MS = 1_000;

/** What one channel is read by. */
interface Reading {
  channel: { id: string; name: string };
  transport: Transport;
  store: Store;
  clock: Clock;
  log: Log;
  redact: (text: string) => string;
  take: (batch: Batch) => Promise<void>;
  /** Called once the channel was looked at for the first time, whatever came of it. */
  onLooked: () => void;
}

/** Reads a channel until `signal` aborts: a look at what is there already, then what comes. What fails is tried again. */
export async function readChannel(reading: Reading, signal: AbortSignal): Promise<void> {
  const { channel, transport, store, clock, log, redact, onLooked } = reading;
  const connection = recordConnection(store, channel.id);
  let failures = 0;
  let failing = "";

  /** What is written down of the connection stands in the way of no message. */
  async function note(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      log.event("error", "remote_failed", { channel: channel.name, error: messageOf(error) });
    }
  }

  async function listen(isLook: boolean): Promise<number> {
    let count = 0;
    const began = systemClock.uptimeMs();
    await transport.listen({
      cursor: await readCursor(store.db, channel.id, clock.nowMs()),
      isLook,
      signal,
      onAnswer() {
        if (failing !== "") log.event("info", "remote_back", { channel: channel.name });
        [failures, failing] = [0, ""];
        void note(connection.answered(clock.nowMs()));
      },
      async take(batch) {
        count += 1;
        await reading.take(batch);
      },
    });
    return count > 0 || isLook || systemClock.uptimeMs() - began > EMPTY_PACE_MS ? PACE_MS : EMPTY_PACE_MS;
  }

  async function fail(error: unknown): Promise<number> {
    failures += 1;
    const message = redact(messageOf(error));
    if (message !== failing) {
      const level = error instanceof RemoteFailed ? "warn" : "error";
      log.event(level, "remote_failed", { channel: channel.name, error: message });
    }
    failing = message;
    await note(connection.failed(message, clock.nowMs()));
    const asked = error instanceof RemoteFailed && typeof error.retry === "object" ? error.retry.afterMs : 0;
    const usual = Math.min(WAIT_MS * 2 ** (failures - 1), WAIT_MAX_MS);
    return Math.max(usual, Math.min(asked, ASKED_MAX_MS));
  }

  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const waitMs = await listen(isFirst).catch((error: unknown) => (signal.aborted ? 0 : fail(error)));
    if (isFirst) onLooked();
    await rest(waitMs, signal);
  }
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const wait = pause(ms);
  signal.addEventListener("abort", wait.end, { once: true });
  await wait.over;
  signal.removeEventListener("abort", wait.end);
}
