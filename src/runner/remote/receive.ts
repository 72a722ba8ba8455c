import type { RemoteConfig } from "../../config/remote.ts";
import { type Clock, systemClock, toIso } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { HOUR_MS, MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { stopByFile } from "../../ops/stop.ts";
import { readStop } from "../../rails/kill.ts";
import type { Rails } from "../../rails/rails.ts";
import { moveCursor, noteMessage } from "./cursor.ts";
import type { Obey, Obeyed, RemoteMessage } from "./message.ts";
import type { Replies } from "./replies.ts";
import { asksToStop, isTooOld, OLD_MS } from "./stop-words.ts";
import type { Batch, Incoming } from "./transport.ts";

/** What a channel's messages are dealt with by. */
export interface Receiving {
  remote: RemoteConfig;
  rails: Pick<Rails, "store" | "outbox" | "stopFile" | "watch">;
  clock: Clock;
  log: Log;
  obey: Obey;
  replies: Replies;
}

/** In a fleet a file stops its own machine. */
const OTHERS_GO_ON =
  "This machine alone: others go on where they can use it, so look again, or stop each of them. ";

/** In a minute, of messages that are no stop: nobody types more, and whoever tries out codes gets nowhere. */
const OBEYED_PER_MINUTE = 20;

/**
 * Deals with batches of one channel. The effect of a message commits with the note that it was obeyed, and where reading goes
 * on commits after that: a crash at any point between loses none, and obeys none twice.
 */
export function createReceiver(receiving: Receiving): (batch: Batch) => Promise<void> {
  const { remote, rails, clock, log, obey, replies } = receiving;
  const { store } = rails;
  const budget = perMinute(OBEYED_PER_MINUTE);
  const courtesy = perMinute(3);
  const told = new Set<string>();

  return async ({ messages, cursor, serviceNowMs }) => {
    // A stop waits for nothing that was sent before it.
    const inOrder = [...messages.filter(isUrgent), ...messages.filter((message) => !isUrgent(message))];
    for (const message of inOrder) await deal(message, serviceNowMs - message.sentAtMs);
    if (cursor !== null) await store.atomically((trx) => moveCursor(trx, remote.id, cursor, clock.nowMs()));
  };

  async function deal(incoming: Incoming, ageMs: number): Promise<void> {
    const reason = reasonAgainst(incoming);
    if (reason !== null) return await refuse(incoming, reason);
    if (isTooOld(incoming.text, ageMs)) {
      log.event("info", "remote_too_old", { channel: remote.channel.name, ageMs });
      const age = formatDuration(ageMs);
      if (courtesy())
        replies.add(
          async () =>
            `Not obeyed: "${incoming.text}" is too old (${age}). Send it again if you still mean it.`,
        );
      return;
    }
    if (!asksToStop(incoming.text) && !budget()) {
      if (courtesy())
        replies.add(
          async () => "Not obeyed: too many messages in a minute. Wait a little, then send it again.",
        );
      return;
    }
    const { sender: _sender, ...message } = incoming;
    await act({ ...message, isOld: ageMs > OLD_MS });
  }

  async function act(message: RemoteMessage): Promise<void> {
    let done: Obeyed | null = null;
    try {
      await store.atomically(async (trx) => {
        // The section may run twice where the disk is full.
        done = null;
        if (await noteMessage(trx, remote.id, message.id, clock.nowMs()))
          done = await obey(trx, message, remote.channel.name);
      });
    } catch (error) {
      return await actAnyway(message, error);
    }
    // The switch may be set by now, and this process's own commits wake no watch.
    await tripIfStopped();
    answer(done);
  }

  /** The stop must work where the database does not; any other message is given up, so that it does not come back for ever. */
  async function actAnyway(message: RemoteMessage, error: unknown): Promise<void> {
    const why = messageOf(error);
    log.event("error", "remote_failed", { channel: remote.channel.name, error: why });
    if (asksToStop(message.text)) {
      const stopped = stopByFile(
        rails.stopFile,
        `phone: ${remote.channel.name} (the database could not be used: ${why})`,
      );
      await tripIfStopped();
      replies.add(
        async () =>
          `Stopped by the file ${stopped.detail}, since the database could not be used. ${clock.isShared ? OTHERS_GO_ON : ""}Only at the keyboard: afk resume`,
      );
      return;
    }
    replies.add(async () => `afk could not do that: ${why}`);
    await store.atomically((trx) => noteMessage(trx, remote.id, message.id, clock.nowMs()));
  }

  async function tripIfStopped(): Promise<void> {
    const kill = await readStop(rails);
    if (kill !== null) rails.watch.trip(kill);
  }

  function answer(done: Obeyed | null): void {
    if (done === null) return;
    const { reply, after } = done;
    if (reply !== null) replies.add(async () => reply);
    if (after !== undefined) replies.add(after);
  }

  /** Strangers get no answer: it would tell them that somebody listens. */
  async function refuse({ sender, from, text }: Incoming, reason: Reason): Promise<void> {
    const hour = toIso(Math.floor(clock.nowMs() / HOUR_MS) * HOUR_MS);
    const key = `${reason} ${hour}`;
    if (from === "owner" && courtesy())
      replies.add(
        async () =>
          `Not obeyed: ${REASONS[reason]}. Send it as a new message${asksToStop(text) ? ": stop" : ""}.`,
      );
    if (told.has(key)) return;
    if (told.size > 100) told.clear();
    told.add(key);
    await store.atomically((trx) =>
      rails.outbox.announce(
        trx,
        {
          event: "remote_refused",
          title: "A message to the agent was refused",
          message: `By ${remote.channel.name}: ${REASONS[reason]} (${sender}). Nothing was done. More of this kind within the hour are not told of.`,
          subject: `${remote.channel.name}:${reason}`,
          occurrence: hour,
        },
        "quiet",
      ),
    );
  }
}

type Reason = "stranger" | "edited" | "forwarded";

const REASONS: Record<Reason, string> = {
  stranger: "it came from somebody who is not its owner",
  edited: "it was edited, and only what is sent counts",
  forwarded: "it was passed on from elsewhere, and only what you type counts",
};

function reasonAgainst({ from, isEdited, isForwarded }: Incoming): Reason | null {
  if (from === "stranger") return "stranger";
  if (isForwarded) return "forwarded";
  return isEdited ? "edited" : null;
}

function isUrgent(message: Incoming): boolean {
  return reasonAgainst(message) === null && asksToStop(message.text);
}

/** True for the first `max` calls within a minute. */
function perMinute(max: number): () => boolean {
  let since = Number.NEGATIVE_INFINITY;
  let count = 0;
  return () => {
    const nowMs = systemClock.uptimeMs();
    if (nowMs - since >= MINUTE_MS) [since, count] = [nowMs, 0];
    count += 1;
    return count <= max;
  };
}
