import type { buildConnector as BuildConnector } from "undici";
import { systemClock } from "../lib/clock.ts";
import { CallFailed } from "../rails/call.ts";
import { lostFailure, malformedFailure, parseJson, refusalFailure, type Subject } from "./failures.ts";

/** Where one provider takes requests, and the headers that every request carries. */
export interface Endpoint {
  provider: string;
  url: URL;
  headers: Record<string, string>;
  secrets: string[];
}

/** The reply to one call: its body, read once, as it comes. */
export interface Reply {
  subject: Subject;
  text(): Promise<string>;
  /** The lines of a body in NDJSON, without empty ones. */
  lines(): AsyncGenerator<string>;
}

export interface CallOptions {
  signal: AbortSignal;
  timeoutMs: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
const REPLY_BYTES_MAX = 8 * 1024 * 1024;
const ERROR_BYTES_MAX = 64 * 1024;
const LINES_MAX = 200_000;

/**
 * The endpoint `path` under `baseUrl`. A user and password in the address become Basic authorization, since
 * an address is shown in messages and logs, and those must hold no secret.
 */
export function endpoint(
  provider: string,
  baseUrl: string,
  path: string,
  headers: Record<string, string>,
  apiKey: string | null,
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
    headers: { ...basic, ...headers },
    secrets: [apiKey ?? "", password].filter((secret) => secret !== ""),
  };
}

/**
 * POSTs `body` and hands the 2xx reply to `read`. One request on one new connection: no retry, no redirect,
 * and no reuse, since a server that closes an idle connection under a request would make its cost unknown.
 * undici's `request` and not `fetch`, which sends a request again by itself on a 421.
 *
 * @throws CallFailed for everything that goes wrong (models/failures.ts has the classes).
 */
export async function post<T>(
  to: Endpoint,
  body: string,
  options: CallOptions,
  read: (reply: Reply) => Promise<T>,
): Promise<T> {
  const subject = subjectOf(to, body);
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, timeout]);
  const connection = await openConnection(to.url.origin, options.timeoutMs);
  try {
    // undici connects first and looks at the signal after.
    signal.throwIfAborted();
    const response = await connection.client.request({
      method: "POST",
      path: to.url.pathname + to.url.search,
      headers: {
        "content-type": "application/json",
        accept: "application/json, application/x-ndjson",
        // Bytes are counted as they come, so they must come as they are.
        "accept-encoding": "identity",
        "user-agent": "afk",
        ...to.headers,
      },
      body,
      signal,
    });
    const { statusCode: status, headers } = response;
    const isEncoded = (headers["content-encoding"] ?? "identity") !== "identity";
    if (status < 200 || status > 299) {
      const text = isEncoded ? null : await readErrorBody(response.body, signal);
      throw refusalFailure(subject, { status, headers, body: text }, systemClock.nowMs());
    }
    if (isEncoded) throw malformedFailure(subject, `its content-encoding is ${headers["content-encoding"]}`);
    return await read(replyOf(subject, response.body));
  } catch (error) {
    if (error instanceof CallFailed) throw error;
    throw lostFailure(subject, {
      isConnected: connection.isOpen(),
      callerAborted: options.signal.aborted,
      timedOut: timeout.aborted,
      timeoutMs: options.timeoutMs,
      error,
    });
  } finally {
    await connection.client.destroy();
  }
}

/** A client of one connection that knows whether that was ever made: before, no byte of a request can leave. */
async function openConnection(origin: string, timeoutMs: number) {
  // Loaded at the first call: a tick with nothing to do starts without it.
  const { Client, buildConnector } = await import("undici");
  const connect = buildConnector({ timeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) });
  let isOpen = false;
  const watched: BuildConnector.connector = (options, callback) =>
    connect(options, (...result) => {
      if (result[0] === null) isOpen = true;
      callback(...result);
    });
  // A slow local model may take longer than undici's own five minutes; our signal bounds the whole call.
  const client = new Client(origin, { connect: watched, headersTimeout: 0, bodyTimeout: 0 });
  return { client, isOpen: () => isOpen };
}

function subjectOf(to: Endpoint, body: string): Subject {
  const request = parseJson(body);
  const model = typeof request === "object" && request !== null && "model" in request ? request.model : "?";
  return {
    provider: to.provider,
    model: String(model),
    address: to.url.origin + to.url.pathname,
    secrets: to.secrets,
  };
}

function replyOf(subject: Subject, body: AsyncIterable<Uint8Array>): Reply {
  const chunks = bounded(subject, body);
  return {
    subject,
    async text() {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      return Buffer.concat(parts).toString("utf8");
    },
    lines: () => linesOf(subject, chunks),
  };
}

async function* bounded(subject: Subject, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > REPLY_BYTES_MAX)
      throw malformedFailure(subject, `it is longer than ${REPLY_BYTES_MAX} bytes`);
    yield chunk;
  }
}

async function* linesOf(subject: Subject, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let count = 0;
  let rest = "";
  for await (const chunk of chunks) {
    const pieces = decoder.decode(chunk, { stream: true }).split("\n");
    const last = pieces.pop() ?? "";
    for (const piece of pieces) {
      count += 1;
      if (count > LINES_MAX) throw malformedFailure(subject, `it has more than ${LINES_MAX} lines`);
      const line = rest + piece;
      rest = "";
      if (line.trim() !== "") yield line;
    }
    rest += last;
  }
  rest += decoder.decode();
  if (rest.trim() !== "") yield rest;
}

/** The body of an error answer, or null: too long, or broken off. The status alone is then what is known. */
async function readErrorBody(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > ERROR_BYTES_MAX) return null;
      parts.push(chunk);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
  return Buffer.concat(parts).toString("utf8");
}
