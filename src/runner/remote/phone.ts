import type { Config } from "../../config/config.ts";
import { type RemoteConfig, remotesOf } from "../../config/remote.ts";
import { pause, systemClock } from "../../lib/clock.ts";
import { AfkError, EXIT, messageOf } from "../../lib/errors.ts";
import { readReplaced } from "../../rails/kill.ts";
import { StateLocked } from "../../store/errors.ts";
import { acquireLock } from "../../store/sqlite/lock.ts";
import { lockHolder } from "../../store/sqlite/lock-holder.ts";
import type { Uses } from "../dependencies.ts";
import { refuseReplaced } from "../refuse-replaced.ts";
import { askPhone } from "./ask-phone.ts";
import type { Obey, RemoteQuestions } from "./message.ts";
import { readChannel } from "./read-channel.ts";
import { createReceiver } from "./receive.ts";
import { createReplies } from "./replies.ts";
import { transportOf } from "./services.ts";

/** What a process that reads the phone is put together from, in agent.ts. */
export interface PhoneSources
  extends Uses<"store" | "outbox" | "sender" | "rails" | "clock" | "log" | "renew" | "hasNews"> {
  /** The configuration as it stands now. */
  current: () => Config;
  obey: Obey;
  questions: RemoteQuestions;
}

/** How long a tick waits for its look at the phone; what is slower is read beside the work. */
const LOOK_MS = 3_000;
/** What is on its way to the phone when the process ends, the word that it was stopped above all. */
const SETTLE_MS = 2_000;
/** How often a process looks whether the one that reads the phone has ended. */
const RETAKE_MS = 5_000;

/**
 * Reads the phone beside `work`, where afk.yaml says so and no other process does. With `looksFirst` the work begins once
 * what had been sent before was dealt with, within a few seconds: a stop that came while nothing ran then comes first.
 */
export async function besidePhone<T>(
  phone: PhoneSources,
  { looksFirst }: { looksFirst: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const looked = Promise.withResolvers<void>();
  const polling = poll(phone, over.signal, looked.resolve);
  try {
    if (looksFirst) {
      const limit = pause(LOOK_MS);
      await Promise.race([looked.promise, limit.over]);
      limit.end();
    }
    return await work();
  } finally {
    over.abort();
    await polling;
  }
}

/**
 * Reads the phone until the process is told to end, also while the kill switch is set: then it answers, and resumes nothing.
 * It waits where another process reads it. Returns the exit code.
 * @throws AfkError (`remote_unconfigured`), StateReplaced.
 */
export async function servePhone(phone: PhoneSources): Promise<number> {
  const { rails, sender, store, log } = phone;
  if (remotesOf(phone.current()).length === 0)
    throw new AfkError(
      "remote_unconfigured",
      "there is no phone to read: write remote: into afk.yaml, with a channel of alerts: (docs/phone.md)",
      { retry: "never", exitCode: EXIT.config },
    );
  const holder = lockHolder(phone.current().paths.remoteLock);
  if (holder !== null) log.event("info", "remote_elsewhere", { pid: holder.pid });
  const release = sender.hold();
  const { terminated } = rails.watch;
  try {
    await besidePhone(phone, { looksFirst: false }, async () => {
      while (!terminated.aborted && readReplaced(store) === null) {
        if (phone.hasNews()) await phone.renew().catch((error: unknown) => logFailure(phone, error));
        await systemClock.idle(terminated).catch(() => undefined);
      }
    });
  } finally {
    release();
  }
  await refuseReplaced(phone, async () => "It calls no model");
  return EXIT.ok;
}

async function poll(phone: PhoneSources, signal: AbortSignal, onLooked: () => void): Promise<void> {
  while (!signal.aborted) {
    const remotes = remotesOf(phone.current());
    let retakeMs = 0;
    try {
      if (remotes.length > 0 && (await hold(phone, () => readAll(phone, remotes, signal, onLooked))))
        continue;
      // Another process reads it.
      if (remotes.length > 0) retakeMs = RETAKE_MS;
    } catch (error) {
      logFailure(phone, error);
      retakeMs = RETAKE_MS;
    }
    onLooked();
    const until = systemClock.uptimeMs() + retakeMs;
    do await systemClock.idle(signal).catch(() => undefined);
    while (!signal.aborted && systemClock.uptimeMs() < until);
  }
}

/** Does `work` as the one that reads the phone; false where another process does. The system drops the lock with its process. */
async function hold({ store, current }: PhoneSources, work: () => Promise<void>): Promise<boolean> {
  const lock = acquire(current().paths.remoteLock);
  if (lock === null) return false;
  store.health.files.push(...lock.files);
  try {
    await work();
    return true;
  } finally {
    for (const file of lock.files) store.health.files.splice(store.health.files.indexOf(file), 1);
    lock.release();
  }
}

function acquire(path: string): ReturnType<typeof acquireLock> | null {
  try {
    return acquireLock(path);
  } catch (error) {
    if (error instanceof StateLocked) return null;
    throw error;
  }
}

/** Until `signal` aborts, or afk.yaml names others. */
async function readAll(
  phone: PhoneSources,
  remotes: readonly RemoteConfig[],
  signal: AbortSignal,
  onLooked: () => void,
): Promise<void> {
  const { rails, store, outbox, clock, log, obey, questions } = phone;
  const reading = new AbortController();
  const sending = new AbortController();
  const end = () => reading.abort();
  signal.addEventListener("abort", end, { once: true });
  let left = remotes.length;
  const lookedAtOne = () => {
    left -= 1;
    if (left === 0) onLooked();
  };
  const channels = remotes.map((remote) => {
    const transport = transportOf(remote, clock);
    const replies = createReplies({ transport, redact: outbox.redact, log }, sending.signal);
    const take = createReceiver({ remote, rails, clock, log, obey, replies });
    const channel = { id: remote.id, name: remote.channel.name };
    const { redact } = outbox;
    const read = () =>
      readChannel(
        { channel, transport, store, clock, log, redact, take, onLooked: lookedAtOne },
        reading.signal,
      );
    return { transport, replies, read };
  });
  const transports = channels.map(({ transport }) => transport);
  const signals = { reading: reading.signal, sending: sending.signal };
  const asking = askPhone({ transports, questions, log }, signals);
  try {
    await Promise.all([
      ...channels.map(({ read }) => read()),
      untilOthers(phone, remotes, reading.signal).then(end),
    ]);
    const limit = pause(SETTLE_MS);
    await Promise.race([
      Promise.all([asking, ...channels.map(({ replies }) => replies.settled())]),
      limit.over,
    ]);
    limit.end();
  } finally {
    signal.removeEventListener("abort", end);
    reading.abort();
    sending.abort();
    await asking;
  }
}

async function untilOthers(
  { current }: PhoneSources,
  remotes: readonly RemoteConfig[],
  signal: AbortSignal,
): Promise<void> {
  const before = JSON.stringify(remotes);
  let config = current();
  while (!signal.aborted) {
    await systemClock.idle(signal).catch(() => undefined);
    if (current() === config) continue;
    config = current();
    if (JSON.stringify(remotesOf(config)) !== before) return;
  }
}

function logFailure({ log }: PhoneSources, error: unknown): void {
  log.event("error", "remote_failed", { error: messageOf(error) });
}
