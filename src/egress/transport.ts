import type { EgressConfig } from "../config/config.ts";
import { readBody } from "../http/body.ts";
import { ACCEPT_ENCODING } from "../http/coding.ts";
import {
  type OnceReply,
  type OnceRequest,
  type ReplyHeaders,
  RequestLost,
  requestOnce,
} from "../http/once.ts";
import type { Clock } from "../lib/clock.ts";
import { AfkError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { joinSignals } from "../lib/signals.ts";
import type { Db } from "../store/schema.ts";
import { checkedLookup, type Resolve, systemResolve } from "./address.ts";
import { EgressFailed, SendFailed } from "./errors.ts";
import type { SendRequest } from "./types.ts";
import { describeUrl, mayBePrivate } from "./url.ts";

/** What one GET sends, and its bounds. */
export interface Exchange {
  headers: Record<string, string>;
  /** For the whole exchange, body included. */
  timeoutMs: number;
  /** Of the decoded body. */
  bytesMax: number;
  onExcess: "fail" | "cut";
  signal: AbortSignal | undefined;
}

/** An answer; `body` is read for 2xx only and empty for all others. */
export interface Answer {
  status: number;
  headers: ReplyHeaders;
  body: Uint8Array;
}

/** A request that may change something. */
interface Dispatch extends Omit<SendRequest, "idempotencyKey" | "authorization"> {
  signal: AbortSignal;
  /** For all of it, from the connection to the end of the answer. */
  timeoutMs: number;
}

/** Of the body of an answer to a request that changes something; the rest is not read. */
const SEND_ANSWER_BYTES_MAX = 64 * 1024;

/** What both clients of egress are made of. */
export interface EgressOptions {
  db: Db;
  /** Where fetched pages and robots.txt are kept; with the rest unless stated. */
  pages?: Db;
  config: EgressConfig;
  agentVersion: string;
  clock: Clock;
  log: Log;
  /** How names become addresses; the system's resolver unless given. */
  resolve?: Resolve;
  limits?: Partial<EgressLimits>;
}

/** Bounds of one fetch; times in milliseconds. */
interface EgressLimits {
  /** All network time of one fetch together: robots.txt, redirects, body. Waiting for a slot is not counted. */
  timeoutMs: number;
  /** For the connection, and again from the request to the answer's headers. */
  headersTimeoutMs: number;
  /** Of a decoded body. */
  bytesMax: number;
}

/** The bounds that hold unless a test states others. */
const LIMITS: EgressLimits = {
  timeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  bytesMax: 4 * 1024 * 1024,
};

/** Requests of egress, each on a connection of its own to an address that was checked. */
export function createTransport({
  config,
  agentVersion,
  resolve = systemResolve,
  ...options
}: EgressOptions) {
  const limits = { ...LIMITS, ...options.limits };
  const { headersTimeoutMs } = limits;
  const userAgent = userAgentOf(agentVersion, config.contact);
  const lookup = checkedLookup(resolve, (hostname) => mayBePrivate(hostname, config));
  const closing = new AbortController();

  async function request<T>(
    url: URL,
    { signal, ...rest }: Omit<OnceRequest, "signal"> & { signal: AbortSignal | undefined },
    take: (reply: OnceReply, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    using joined = joinSignals([signal, closing.signal]);
    return await requestOnce(url, { ...rest, signal: joined.signal, lookup }, take);
  }

  return {
    limits,
    userAgent,
    /**
     * One GET, of an address that `checkUrl` has passed: no redirects, no retries, no cookies.
     * @throws EgressRefused when the name resolves to an address that is not permitted.
     * @throws EgressFailed for every failure of host and network; the signal's reason when the caller aborts.
     */
    async get(url: URL, exchange: Exchange): Promise<Answer> {
      const headers = { "user-agent": userAgent, "accept-encoding": ACCEPT_ENCODING, ...exchange.headers };
      const times = { timeoutMs: exchange.timeoutMs, connectTimeoutMs: headersTimeoutMs, headersTimeoutMs };
      const { signal, bytesMax: bodyBytesMax } = exchange;
      let isAnswered = false;
      try {
        const asked = { method: "GET", headers, body: null, signal, bodyBytesMax, ...times };
        return await request(url, asked, (reply, limit) => {
          isAnswered = true;
          return readAnswer(reply, { ...exchange, signal: limit });
        });
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof AfkError) throw error;
        const why = error instanceof RequestLost ? error.message : String(error);
        throw new EgressFailed(`${describeUrl(url)} could not be fetched: ${why}`, {
          isDown: !isAnswered,
          cause: error,
        });
      }
    },
    /**
     * One request that may change something, of an address that `checkUrl` has passed: sent at most once. An answer's body says
     * nothing that is acted on, so it is not kept.
     * @throws EgressRefused, EgressFailed from the look-up of the name; SendFailed for all else, the caller's abort included.
     */
    async send(url: URL, dispatch: Dispatch): Promise<Omit<Answer, "body">> {
      try {
        const asked = {
          ...dispatch,
          connectTimeoutMs: headersTimeoutMs,
          bodyBytesMax: SEND_ANSWER_BYTES_MAX,
        };
        return await request(url, asked, async ({ status, headers, body }, limit) => {
          // A server may stop its work when nobody reads its answer; that the reading fails does not change the answer.
          const bounds = { bytesMax: SEND_ANSWER_BYTES_MAX, onExcess: "cut" as const, signal: limit };
          await readBody(body, bounds).catch(() => null);
          return { status, headers };
        });
      } catch (error) {
        if (!(error instanceof RequestLost)) throw error;
        throw new SendFailed(`the request to ${url.host} got no answer: ${error.message}`, {
          mayHaveArrived: error.isSent,
          cause: error,
        });
      }
    },
    /** Ends what is in flight. */
    close: () => closing.abort(),
  };
}

async function readAnswer(
  { status, headers, body }: OnceReply,
  limits: Exchange & { signal: AbortSignal },
): Promise<Answer> {
  if (status < 200 || status > 299) return { status, headers, body: new Uint8Array() };
  const encoding = headers["content-encoding"];
  return { status, headers, body: await readBody(body, { ...limits, encoding }) };
}

/** `afk/1.2.0 (+ops@example.org)`: who asks, and where to complain. */
function userAgentOf(version: string, contact: string | null): string {
  return `afk/${version}${contact === null ? "" : ` (+${contact})`}`.replace(/[^\x20-\x7e]/g, "");
}
