import { readBody } from "../../http/body.ts";
import { failureOf, type HttpReply, refusal } from "../../http/exchange.ts";
import { type ReplyHeaders, RequestLost, requestOnce } from "../../http/once.ts";
import { retryAfterMs } from "../../http/retry-after.ts";
import { AfkError, type Retry } from "../../lib/errors.ts";
import type { RemoteMessage, RemoteQuestion } from "./message.ts";

/** A message as its service gave it, before its age is judged. */
export interface Incoming extends Omit<RemoteMessage, "isOld"> {
  /** Who sent it, in numbers of the service, for the owner to recognise; never what they wrote. */
  sender: string;
}

/** Messages that came together, oldest first. */
export interface Batch {
  messages: Incoming[];
  /** Where reading goes on once they were dealt with; null where that did not move. */
  cursor: string | null;
  /** What the service's clock said, in epoch milliseconds: ages are told by it, since this machine's may be wrong. */
  serviceNowMs: number;
}

/** How a service is read. */
export interface Listening {
  /** What was read up to, as a batch gave it. */
  cursor: string | null;
  /** One look at what is there, in place of waiting for what comes. */
  isLook: boolean;
  signal: AbortSignal;
  /** Called whenever the service answered as it should. */
  onAnswer(): void;
  /** Deals with a batch; the next one is read when it resolves. */
  take(batch: Batch): Promise<void>;
}

/** A service that carries messages from the phone and back. To add one: a file like telegram.ts, and a line in services.ts. */
export interface Transport {
  /** Reads until the service ends it, at once for a look. @throws RemoteFailed */
  listen(listening: Listening): Promise<void>;
  /** Sends a text, with buttons where it has some. @throws RemoteFailed */
  send(message: Pick<RemoteQuestion, "text" | "actions">, signal: AbortSignal): Promise<void>;
}

/** The service cannot be read, or takes no message, at present. The message holds no address and no token. */
export class RemoteFailed extends AfkError {
  constructor(message: string, retry: Retry = "later", code = "remote_failed") {
    super(code, message, { retry });
  }
}

const BYTES_MAX = 64 * 1024;

/**
 * Makes one request on a connection of its own, and gives the reply, whatever its status; of a longer one only the first
 * `bytesMax` bytes. @throws RemoteFailed without a reply, in words without the address.
 */
export async function ask(
  address: string,
  {
    json,
    signal,
    timeoutMs,
    bytesMax = BYTES_MAX,
  }: { json?: object; signal: AbortSignal; timeoutMs: number; bytesMax?: number },
): Promise<Answered> {
  const type: Record<string, string> = json === undefined ? {} : { "content-type": "application/json" };
  const request = {
    method: json === undefined ? "GET" : "POST",
    headers: { "user-agent": "afk", ...type },
    body: json === undefined ? null : JSON.stringify(json),
  };
  try {
    return await requestOnce(
      new URL(address),
      { ...request, signal, timeoutMs, bodyBytesMax: 2 * bytesMax },
      async ({ status, headers, body: source }, ended) => {
        const body = await readBody(source, { bytesMax: bytesMax + 1, onExcess: "cut", signal: ended });
        const text = body.toString("utf8", 0, bytesMax);
        return { reply: { status, body: text }, headers, isCut: body.byteLength > bytesMax };
      },
    );
  } catch (error) {
    const isTimedOut = error instanceof RequestLost && error.isTimedOut;
    throw new RemoteFailed(isTimedOut ? "no answer in time" : failureOf(error, signal));
  }
}

/** What a service answered. */
export interface Answered {
  reply: HttpReply;
  headers: ReplyHeaders;
  isCut: boolean;
}

/** The failure that an answer other than a yes stands for. */
export function refused(
  { reply, headers }: Pick<Answered, "reply" | "headers">,
  { address, nowMs, askedMs = null }: { address: string; nowMs: number; askedMs?: number | null },
): RemoteFailed {
  const afterMs = askedMs ?? retryAfterMs(headers["retry-after"], nowMs);
  return new RemoteFailed(refusal(reply, address), afterMs === null ? "later" : { afterMs });
}

/** What the service's clock says, by the head of its reply; this machine's where it says nothing. */
export function serviceTime(headers: ReplyHeaders, nowMs: number): number {
  const date = Date.parse(headers.date ?? "");
  return Number.isNaN(date) ? nowMs : date;
}
