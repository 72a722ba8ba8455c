import type { Socket } from "node:net";
import { systemClock } from "../lib/clock.ts";
import { once } from "../lib/once.ts";
import { joinSignals } from "../lib/signals.ts";
import { CallFailed } from "../rails/call.ts";
import { lostFailure, malformedFailure, refusalFailure, type Subject } from "./failures.ts";
import { isRecord, parseJson } from "./json.ts";
import { type Reply, readErrorBody, replyOf } from "./reply.ts";
import type { ProviderOptions } from "./types.ts";

/** Where one provider takes requests, and the headers that every request carries. */
export interface Endpoint {
  provider: string;
  url: URL;
  /** The model it is asked for costs nothing. */
  isFree: boolean;
  headers: Record<string, string>;
  secrets: string[];
}

export interface CallOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** The kill switch, asked when the connection stands; nothing is sent when it rejects. */
  lastLook: () => Promise<void>;
}

/**
 * The endpoint `path` under `baseUrl`. A user and password in the address become Basic authorization, since
 * an address is shown in messages and logs, and those must hold no secret.
 */
export function endpoint(
  provider: string,
  path: string,
  { baseUrl, apiKey, isFree = false }: ProviderOptions,
  headers: Record<string, string>,
): Endpoint {
  const url = new URL(baseUrl);
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  const password = decodeURIComponent(url.password);
  const login = `${decodeURIComponent(url.username)}:${password}`;
  const basic = login === ":" ? {} : { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
  url.username = "";
  url.password = "";
  return {
    provider,
    url,
    isFree,
    headers: { ...basic, ...headers },
    secrets: [apiKey ?? "", password].filter((secret) => secret !== ""),
  };
}

/**
 * POSTs `body` and hands the 2xx reply to `take`. One request on one new connection: no retry, no redirect,
 * and no reuse, since a server that closes an idle connection under a request would make its cost unknown.
 * Not `fetch`, which sends a request again by itself on a 421.
 *
 * @throws CallFailed for everything that goes wrong (models/failures.ts has the classes).
 */
export async function post<T>(
  to: Endpoint,
  body: string,
  options: CallOptions,
  take: (reply: Reply) => Promise<T>,
): Promise<T> {
  const subject = subjectOf(to, body);
  using deadline = joinSignals([options.signal], options.timeoutMs);
  const { signal } = deadline;
  let connection: Socket | null = null;
  let isSent = false;
  try {
    const { openConnection, postOn } = await loadClient();
    connection = await openConnection(to.url, { signal, timeoutMs: options.timeoutMs });
    await options.lastLook();
    signal.throwIfAborted();
    // From here on bytes of the request may leave: Node writes them before it turns to anything else.
    isSent = true;
    const response = await postOn(connection, to.url, { ...HEADERS, ...to.headers }, body);
    const { statusCode: status = 0, headers } = response;
    const isEncoded = (headers["content-encoding"] ?? "identity") !== "identity";
    if (status < 200 || status > 299) {
      const text = isEncoded ? null : await readErrorBody(response, signal);
      throw refusalFailure(subject, { status, headers, body: text }, systemClock.nowMs());
    }
    if (isEncoded) throw malformedFailure(subject, `its content-encoding is ${headers["content-encoding"]}`);
    return await take(replyOf(subject, response));
  } catch (error) {
    if (error instanceof CallFailed) throw error;
    throw lostFailure(subject, {
      isConnected: isSent,
      callerAborted: options.signal.aborted,
      timedOut: deadline.isTimedOut(),
      timeoutMs: options.timeoutMs,
      error,
    });
  } finally {
    connection?.destroy();
  }
}

/** At the first call: a tick with nothing to do starts without it. Kept, since to import it again takes a while each time. */
const loadClient = once(() => import("./connection.ts"));

const HEADERS: Record<string, string> = {
  "content-type": "application/json",
  accept: "application/json, application/x-ndjson",
  // Bytes are counted as they come, so they must come as they are.
  "accept-encoding": "identity",
  "user-agent": "afk",
};

/** The name of the model is looked for when a message tells of it, which most calls give no reason for. */
function subjectOf(to: Endpoint, body: string): Subject {
  return {
    provider: to.provider,
    get model() {
      const request = parseJson(body);
      return isRecord(request) && "model" in request ? String(request.model) : "?";
    },
    server: to,
    address: to.url.origin + to.url.pathname,
    secrets: to.secrets,
  };
}
