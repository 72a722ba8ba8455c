import { exchange, failureOf, type HttpReply, type HttpRequest, refusal } from "../../http/exchange.ts";
import { retryAfterMs } from "../../http/retry-after.ts";
import { AfkError, type Retry } from "../../lib/errors.ts";
import { joinSignals } from "../../lib/signals.ts";
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

/** A reply in time, whatever its status. @throws RemoteFailed without one, in words without the address. */
export async function ask(
  request: HttpRequest,
  { signal, timeoutMs, bytesMax }: { signal: AbortSignal; timeoutMs: number; bytesMax?: number },
): Promise<{ reply: HttpReply; headers: Headers; isCut: boolean }> {
  using limit = joinSignals([signal], timeoutMs);
  try {
    return await exchange(request, limit.signal, bytesMax);
  } catch (error) {
    throw new RemoteFailed(limit.isTimedOut() ? "no answer in time" : failureOf(error, signal));
  }
}

/** The failure that an answer other than a yes stands for. */
export function refused(
  reply: HttpReply,
  headers: Headers,
  { address, nowMs, askedMs = null }: { address: string; nowMs: number; askedMs?: number | null },
): RemoteFailed {
  const afterMs = askedMs ?? retryAfterMs(headers.get("retry-after"), nowMs);
  return new RemoteFailed(refusal(reply, address), afterMs === null ? "later" : { afterMs });
}

/** What the service's clock says, by the head of its reply; this machine's where it says nothing. */
export function serviceTime(headers: Headers, nowMs: number): number {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? nowMs : date;
}
