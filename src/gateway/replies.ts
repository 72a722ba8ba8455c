import type { OutgoingHttpHeaders } from "node:http";
import { readBody } from "../http/body.ts";
import type { OnceReply, ReplyHeaders } from "../http/once.ts";
import { malformedFailure, type Subject } from "../providers/failures.ts";
import { parseJson } from "../providers/reply-json.ts";
import { CallFailed } from "../rails/call.ts";
import type { Performed } from "../rails/guard.ts";
import { chargeOf } from "./charge.ts";
import type { Delivery } from "./delivery.ts";
import { Framer } from "./framing.ts";
import { handedOn, withoutApiKey } from "./headers.ts";
import type { Target } from "./models.ts";
import type { Bound, CallRoute, RequestHead, Said } from "./protocols/protocol.ts";
import { Refused } from "./refusals.ts";

const REPLY_BYTES_MAX = 32 * 1024 * 1024;

/** One call as it goes to its provider. */
export interface RelayedCall {
  route: CallRoute;
  head: RequestHead;
  /** With its question mark, or empty. */
  query: string;
  target: Target;
  bound: Bound;
  isStreamed: boolean;
  body: Buffer | null;
  delivery: Delivery;
  /** afk's own headers of the reply; `costMicros` where it is known when they go out. */
  ownHeaders(costMicros: number | null): OutgoingHttpHeaders;
  /** The end of the answer waits until its cost is settled, since it is recorded with it. */
  holdsEnd: boolean;
  redact(text: string): string;
}

/** An answer of which nothing is missing but what was held back. */
export interface Relayed {
  /** Hands on what was held back; called when the cost is settled. */
  finish(): void;
  /** All of it, while it is short enough to be kept. */
  whole(): { status: number; contentType: string; body: Buffer } | null;
}

/** Hands a reply with a good status on, and says what it cost. @throws CallFailed when that is unknown, or it broke off. */
export async function takeAnswer(
  call: RelayedCall,
  subject: Subject,
  reply: OnceReply,
  signal: AbortSignal,
): Promise<Performed<Relayed>> {
  return isStream(call, reply.headers)
    ? await takeStream(call, subject, reply, signal)
    : await takeWhole(call, subject, reply, signal);
}

function isStream({ isStreamed }: RelayedCall, headers: ReplyHeaders): boolean {
  const type = headers["content-type"] ?? "";
  if (/event-stream|ndjson/i.test(type)) return true;
  return isStreamed && !/\bjson\b/i.test(type);
}

async function takeWhole(
  call: RelayedCall,
  subject: Subject,
  { status, headers, body }: OnceReply,
  signal: AbortSignal,
): Promise<Performed<Relayed>> {
  const { apiKey } = call.target.config;
  const came = await readBody(body, { bytesMax: REPLY_BYTES_MAX, onExcess: "fail", signal });
  const bytes = withoutApiKey(came, apiKey);
  const said = call.route.isFree ? null : call.route.figures(parseJson(bytes.toString("utf8")));
  if (said?.error != null) {
    call.delivery.send(status, { ...handedOn(headers, apiKey), ...call.ownHeaders(null) }, bytes);
    return failedBy(call, subject, said.error, said);
  }
  const cost = chargeOf(call, subject, said);
  const contentType = headers["content-type"] ?? "application/json";
  const send = () =>
    call.delivery.send(
      status,
      { ...handedOn(headers, apiKey), ...call.ownHeaders("costMicros" in cost ? cost.costMicros : null) },
      bytes,
    );
  if (!call.holdsEnd || cost instanceof CallFailed) send();
  if (cost instanceof CallFailed) throw cost;
  const finish = call.holdsEnd ? send : () => {};
  return { ...cost, value: { finish, whole: () => ({ status, contentType, body: bytes }) } };
}

async function takeStream(
  call: RelayedCall,
  subject: Subject,
  { status, headers, body }: OnceReply,
  signal: AbortSignal,
): Promise<Performed<Relayed>> {
  const { delivery, route, bound, target } = call;
  const { apiKey } = target.config;
  const reader = route.reader(bound);
  const framer = new Framer(route.framing, (event) => reader.take(event));
  const contentType =
    headers["content-type"] ?? (route.framing === "sse" ? "text/event-stream" : "application/x-ndjson");
  delivery.begin(status, {
    ...handedOn(headers, apiKey),
    "content-type": contentType,
    ...call.ownHeaders(null),
  });
  const held: Buffer[] = [];
  const write = (whole: Buffer) => {
    const part = withoutApiKey(whole, apiKey);
    if (!call.holdsEnd || !reader.isComplete()) return delivery.write(part);
    held.push(part);
    return null;
  };
  await pump(body, signal, (chunk) => framer.push(chunk), write);
  const rest = framer.flush();
  const end = reader.end();
  // Part of an event would run into the error that follows it, so that a client could read neither.
  if (end.isComplete) for (const part of rest) write(part);
  if (end.error !== null) {
    // The client has the provider's own error event.
    for (const part of held) delivery.write(part);
    delivery.spoil();
    return failedBy(call, subject, end.error, end);
  }
  // An early end must not look like a whole answer: some clients take it for one, others ask again without end.
  if (!end.isComplete) throw broken(subject, "its stream ended before it was done");
  const cost = chargeOf(call, subject, end);
  const finish = () => {
    for (const part of held) delivery.write(part);
    delivery.end();
  };
  if (!call.holdsEnd || cost instanceof CallFailed) finish();
  if (cost instanceof CallFailed) throw cost;
  const whole = () => {
    const { kept } = delivery;
    return kept === null
      ? null
      : { status, contentType, body: Buffer.concat([kept.body, ...(delivery.isOver ? [] : held)]) };
  };
  return { ...cost, value: { finish, whole } };
}

/** Hands on what comes as it comes, no faster than it is taken. */
function pump(
  body: OnceReply["body"],
  signal: AbortSignal,
  cut: (chunk: Buffer) => Buffer[],
  write: (part: Buffer) => Promise<void> | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    /** Of one read of the connection, which may hold hundreds of pieces: they go on together, in the same turn. */
    let pieces: Buffer[] = [];
    const end = (settle: () => void) => {
      body.off("data", onData);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const handOn = () => {
      const [first, ...others] = pieces;
      pieces = [];
      if (first === undefined || signal.aborted) return;
      try {
        for (const part of cut(others.length === 0 ? first : Buffer.concat([first, ...others]))) {
          const taken = write(part);
          if (taken === null) continue;
          body.pause();
          void taken.then(() => body.resume());
        }
      } catch (error) {
        end(() => reject(error));
      }
    };
    const onAbort = () => end(() => reject(signal.reason));
    const onData = (chunk: Buffer) => {
      if (pieces.push(chunk) === 1) process.nextTick(handOn);
    };
    const onOver = (settle: () => void) => {
      handOn();
      end(settle);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    body.on("data", onData);
    body.on("error", (error) => onOver(() => reject(error)));
    body.once("close", () =>
      onOver(() => reject(new Error("the connection was closed before the end of the reply"))),
    );
    body.once("end", () => onOver(resolve));
  });
}

/** What a provider bills for a reply that it calls failed itself, by its figures. @throws CallFailed where it gives none. */
function failedBy(
  call: RelayedCall,
  subject: Subject,
  error: string,
  said: Omit<Said, "error">,
): Performed<Relayed> {
  const failure = broken(subject, `it reported an error: ${error}`);
  const cost = "unknown" in said.figures ? failure : chargeOf(call, subject, said);
  if (cost instanceof CallFailed) throw failure;
  return { ...cost, failure, value: { finish: () => {}, whole: () => null } };
}

/** A reply of which nobody knows what it cost. */
export function broken(subject: Subject, what: string): CallFailed {
  return withRefusal(malformedFailure(subject, what), subject);
}

/** The same failure, with what the client is told of it. */
export function withRefusal(failure: CallFailed, subject: Subject): CallFailed {
  return new CallFailed(failure.message, { ...failure, cause: lostRefusal(subject, failure.message) });
}

export function lostRefusal(subject: Subject, message: string): Refused {
  return new Refused({
    type: "lost",
    message: `afk: no whole answer came from ${subject.provider}/${subject.model}: ${message} See: afk logs --event call_failed`,
  });
}
