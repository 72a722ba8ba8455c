import type { Agent, buildConnector } from "undici";
import type { EgressConfig } from "../config/config.ts";
import { AfkError } from "../lib/errors.ts";
import { joinSignals } from "../lib/signals.ts";
import { checkedLookup, type Resolve } from "./address.ts";
import { type AnswerHeaders, explain, joinHeaders, orAborted } from "./answer.ts";
import { ACCEPT_ENCODING, readBody } from "./body.ts";
import { EgressFailed } from "./errors.ts";
import { type Dispatch, type SendAnswer, sendOnce } from "./send-once.ts";
import { describeUrl, mayBePrivate } from "./url.ts";
import { boundedInfo, REQUESTS_PER_CONNECTION_MAX, wireBound } from "./wire-bound.ts";

export interface TransportLimits {
  /** For the connection, and again from the request to the answer's headers. */
  headersTimeoutMs: number;
}

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
  headers: AnswerHeaders;
  body: Uint8Array;
}

export interface Transport {
  /**
   * One GET, of an address that `checkUrl` has passed: no redirects, no retries, no cookies.
   * @throws EgressRefused when the name resolves to an address that is not permitted.
   * @throws EgressFailed for every failure of host and network; the signal's reason when the caller aborts.
   */
  get(url: URL, exchange: Exchange): Promise<Answer>;
  /**
   * One request that may change something, of an address that `checkUrl` has passed: on a connection of its own, sent at
   * most once. `timeoutMs` is for all of it.
   * @throws EgressRefused, EgressFailed from the look-up of the name; SendFailed for all else, the caller's abort included.
   */
  send(url: URL, request: Dispatch): Promise<SendAnswer>;
  close(): Promise<void>;
}

export function createTransport(
  config: Pick<EgressConfig, "allowPrivate">,
  userAgent: string,
  resolve: Resolve,
  limits: TransportLimits,
): Transport {
  const lookup = checkedLookup(resolve, (hostname) => mayBePrivate(hostname, config));
  // undici waits for a connection that is being made before it can be destroyed; this ends the sockets themselves.
  const closing = new AbortController();
  let agent: Promise<Agent> | undefined;
  // Loading undici takes longer than the rest of a start, and most commands fetch nothing.
  const openAgent = async () => {
    const { Agent, buildConnector } = await import("undici");
    const connect = { lookup, timeout: limits.headersTimeoutMs };
    return new Agent({
      connect: wireBound(endedBy(closing.signal, (signal) => buildConnector({ ...connect, signal }))),
      maxRequestsPerClient: REQUESTS_PER_CONNECTION_MAX,
      headersTimeout: limits.headersTimeoutMs,
    });
  };
  return {
    async get(url, exchange) {
      using limit = joinSignals([exchange.signal], exchange.timeoutMs);
      const { signal } = limit;
      const headers = { "user-agent": userAgent, "accept-encoding": ACCEPT_ENCODING, ...exchange.headers };
      let isAnswered = false;
      try {
        agent ??= openAgent();
        const onAnswer = () => {
          isAnswered = true;
        };
        return await exchangeOnce(await agent, url, { ...exchange, headers, signal }, onAnswer);
      } catch (error) {
        exchange.signal?.throwIfAborted();
        if (error instanceof AfkError) throw error;
        throw new EgressFailed(
          `${describeUrl(url)} could not be fetched: ${explain(error, limit.isTimedOut())}`,
          { isDown: !isAnswered, cause: error },
        );
      }
    },
    async send(url, request) {
      using joined = joinSignals([request.signal, closing.signal]);
      const { signal } = joined;
      return await sendOnce(url, { ...request, signal }, { lookup, timeout: limits.headersTimeoutMs });
    },
    async close() {
      closing.abort();
      await (await agent)?.destroy();
    },
  };
}

/**
 * Connections that end when `closing` aborts. Each has a signal of its own: Node leaves a listener, and with it the socket and
 * undici's client, on the signal that a socket was connected with, also when the socket is long closed.
 */
function endedBy(
  closing: AbortSignal,
  connectorWith: (signal: AbortSignal) => buildConnector.connector,
): buildConnector.connector {
  return (options, callback) => {
    const joined = joinSignals([closing]);
    const end = () => joined[Symbol.dispose]();
    connectorWith(joined.signal)(options, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error !== null) {
        end();
        return callback(error, null);
      }
      socket.once("close", end);
      callback(null, socket);
    });
  };
}

async function exchangeOnce(
  agent: Agent,
  url: URL,
  exchange: Exchange & { signal: AbortSignal },
  onAnswer: () => void,
): Promise<Answer> {
  const { signal } = exchange;
  signal.throwIfAborted();
  const path = `${url.pathname}${url.search}`;
  const request = agent.request({
    origin: url.origin,
    path,
    method: "GET",
    headers: exchange.headers,
    signal,
    onInfo: boundedInfo(),
  });
  const { statusCode: status, headers: raw, body } = await orAborted(request, signal);
  onAnswer();
  const headers = joinHeaders(raw);
  if (status >= 200 && status <= 299) {
    return { status, headers, body: await readBody(body, headers["content-encoding"] ?? "", exchange) };
  }
  // Nobody reads this body. Without a listener, the error of cutting it off would end the process.
  body.on("error", () => undefined).destroy();
  return { status, headers, body: new Uint8Array() };
}
