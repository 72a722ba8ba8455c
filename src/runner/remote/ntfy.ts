import * as v from "valibot";
import { topicOf } from "../../alerts/channels/ntfy.ts";
import { truncateBytes } from "../../alerts/channels/text.ts";
import type { RemoteConfig } from "../../config/remote.ts";
import { failureOf } from "../../http/exchange.ts";
import { readLines, ServerSilent } from "../../http/lines.ts";
import type { ReplyHeaders } from "../../http/once.ts";
import type { Clock } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { oneLine } from "../../lib/text.ts";
import { TEXT_CHARS_MAX } from "./message.ts";
import {
  type Answered,
  ask,
  type Incoming,
  RemoteFailed,
  refused,
  serviceTime,
  type Transport,
} from "./transport.ts";

/** The server says something every 45 seconds (its keepalive), unless its owner chose otherwise. */
const SILENCE_MS = 100_000;
const LOOK_SILENCE_MS = 10_000;
const SEND_MS = 10_000;
const LINE_CHARS_MAX = 64 * 1024;
const MESSAGE_BYTES_MAX = 4_096;
const ACTIONS_MAX = 3;
const FORBIDDEN_MS = 5 * MINUTE_MS;
/** Read at the very first time: what is older is not obeyed anyway. */
const FIRST_SINCE = "1h";

type NtfyConfig = Extract<RemoteConfig, { type: "ntfy" }>;

/**
 * Reads a topic as a stream (https://docs.ntfy.sh/subscribe/api/). A topic has no senders: who knows it is the owner, which is why
 * everything but a stop, a pause and a look takes a code.
 */
export function createNtfy({ channel, replyAddress }: NtfyConfig, clock: Clock): Transport {
  const { topic } = topicOf(replyAddress);
  return {
    async listen({ cursor, isLook, signal, onAnswer, take }) {
      const silenceMs = isLook ? LOOK_SILENCE_MS : SILENCE_MS;
      let aheadMs = 0;
      let isOurs = false;
      const begun = (headers: ReplyHeaders) => {
        const nowMs = clock.nowMs();
        aheadMs = serviceTime(headers, nowMs) - nowMs;
        onAnswer();
      };
      const takeLine = async (line: string) => {
        const event = readEvent(line);
        if (event === null) return;
        onAnswer();
        if (event.event !== "message" || event.topic !== topic) return;
        isOurs = true;
        await take({
          messages: readMessage(event),
          cursor: event.id,
          serviceNowMs: clock.nowMs() + aheadMs,
        });
        isOurs = false;
      };
      const address = streamAddress(replyAddress, cursor, isLook);
      const limits = { signal, lineCharsMax: LINE_CHARS_MAX, silenceMs };
      const failure = await readLines(address, limits, begun, takeLine).catch((error: unknown) => {
        // A message that could not be dealt with is no failure of the service.
        if (isOurs || error instanceof RemoteFailed) throw error;
        if (error instanceof ServerSilent) throw new RemoteFailed(error.message, { afterMs: 0 });
        throw new RemoteFailed(failureOf(error, signal));
      });
      if (failure === null) return;
      const { status, headers, body } = failure;
      throw refusedBy({ reply: { status, body }, headers }, replyAddress, clock);
    },
    async send({ text, actions }, signal) {
      const { url, topic: answers } = topicOf(channel.url);
      const json = {
        topic: answers,
        message: truncateBytes(text, MESSAGE_BYTES_MAX),
        priority: 4,
        actions: actions.slice(0, ACTIONS_MAX).map(({ label, message }) => ({
          action: "http",
          label,
          url: replyAddress,
          method: "POST",
          body: message,
          clear: true,
        })),
      };
      const sent = await ask(url, { json, signal, timeoutMs: SEND_MS });
      // A page of another server on that address says 200 as well.
      if (sent.reply.status < 200 || sent.reply.status >= 300 || readSent(sent.reply.body) === null)
        throw refusedBy(sent, channel.url, clock);
    },
  };
}

/** One look that changes nothing, for those who ask whether the topic can be read. @throws RemoteFailed */
export async function readOnce(
  { replyAddress }: NtfyConfig,
  clock: Clock,
  limits: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  const { reply, headers } = await ask(streamAddress(replyAddress, null, true), limits);
  const isStream = /json/i.test(headers["content-type"] ?? "");
  if (reply.status === 200 && !isStream)
    throw new RemoteFailed("no ntfy server answers at this address; write the address of one");
  if (reply.status !== 200) throw refusedBy({ reply, headers }, replyAddress, clock);
}

/** Where the messages after a cursor are read. */
function streamAddress(replyAddress: string, cursor: string | null, isLook: boolean): string {
  const url = new URL(replyAddress);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/json`;
  url.searchParams.set("since", cursor ?? FIRST_SINCE);
  if (isLook) url.searchParams.set("poll", "1");
  return url.href;
}

function refusedBy(
  answered: Pick<Answered, "reply" | "headers">,
  address: string,
  clock: Clock,
): RemoteFailed {
  const { status } = answered.reply;
  if (status === 401 || status === 403)
    return new RemoteFailed(
      `the ntfy server lets nobody read this topic without access (HTTP ${status}); add ?auth= with an access token to the address`,
      { afterMs: FORBIDDEN_MS },
      "remote_unauthorized",
    );
  return refused(answered, { address, nowMs: clock.nowMs() });
}

/** A file is no message, and its text is the server's own words about it. */
function readMessage({ id, time, message, attachment }: v.InferOutput<typeof EVENT>): Incoming[] {
  const text = oneLine(message ?? "", TEXT_CHARS_MAX);
  if (attachment !== undefined || text === "") return [];
  const facts = { from: "owner" as const, isEdited: false, isForwarded: false, sender: "the reply topic" };
  return [{ id, sentAtMs: time * 1_000, text: text.replace(/^\//, ""), ...facts }];
}

function readEvent(line: string): v.InferOutput<typeof EVENT> | null {
  const read = v.safeParse(EVENT, parsed(line));
  return read.success ? read.output : null;
}

function readSent(body: string): string | null {
  const read = v.safeParse(v.object({ id: v.string() }), parsed(body));
  return read.success ? read.output.id : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const EVENT = v.object({
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
  time: v.pipe(v.number(), v.safeInteger()),
  event: v.string(),
  topic: v.string(),
  message: v.optional(v.string()),
  attachment: v.optional(v.unknown()),
});
