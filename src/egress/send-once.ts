import type { LookupFunction } from "node:net";
import type { buildConnector } from "undici";
import { AfkError } from "../lib/errors.ts";
import { joinSignals } from "../lib/signals.ts";
import { type AnswerHeaders, explain, joinHeaders, orAborted } from "./answer.ts";
import { readBody } from "./body.ts";
import { SendFailed } from "./errors.ts";
import type { SendRequest } from "./types.ts";

export interface Dispatch extends Omit<SendRequest, "idempotencyKey"> {
  signal: AbortSignal;
  /** For all of it, from the connection to the end of the answer. */
  timeoutMs: number;
  /** Of the answer's body; the rest is cut. */
  bytesMax: number;
}

/** An answer's body says nothing that is acted on, so it is not kept. */
export interface SendAnswer {
  status: number;
  headers: AnswerHeaders;
}

/**
 * Sends one request on a connection of its own. No byte of a request leaves before its connection stands (for https:
 * before the certificate was accepted), so a failure before that moment certainly changed nothing, and one after it may have.
 * @throws EgressRefused, EgressFailed from `connect.lookup`; SendFailed for all else, aborts included.
 */
export async function sendOnce(
  url: URL,
  request: Dispatch,
  connect: { lookup: LookupFunction; timeout: number },
): Promise<SendAnswer> {
  const over = new AbortController();
  using limit = joinSignals([request.signal, over.signal], request.timeoutMs);
  const { signal } = limit;
  const { Client, buildConnector: connectorOf } = await import("undici");
  const connection = connectOnce(connectorOf({ ...connect, signal }), signal);
  const client = new Client(url.origin, {
    connect: connection.connector,
    headersTimeout: request.timeoutMs,
    bodyTimeout: request.timeoutMs,
  });
  try {
    signal.throwIfAborted();
    const { method, headers, body } = request;
    const path = `${url.pathname}${url.search}`;
    const answer = client.request({ path, method, headers, body, signal, idempotent: false, reset: true });
    const { statusCode: status, headers: raw, body: stream } = await orAborted(answer, signal);
    // A server may stop its work when nobody reads its answer; that the reading fails does not change the answer.
    await readBody(stream, "", { bytesMax: request.bytesMax, onExcess: "cut", signal }).catch(() => null);
    return { status, headers: joinHeaders(raw) };
  } catch (error) {
    if (error instanceof AfkError && !connection.isMade() && !request.signal.aborted) throw error;
    const why = request.signal.aborted
      ? explain(request.signal.reason, false)
      : explain(error, limit.isTimedOut());
    throw new SendFailed(`the request to ${url.host} got no answer: ${why}`, {
      mayHaveArrived: connection.isMade(),
      cause: error,
    });
  } finally {
    over.abort();
    await client.destroy();
  }
}

/**
 * A connector that connects at most once and never after the end. undici connects again by itself when a connection is
 * lost, which would send again; and once a caller was told that nothing left, nothing may leave.
 */
export function connectOnce(connector: buildConnector.connector, signal: AbortSignal) {
  const state = { isAsked: false, isMade: false };
  const once: buildConnector.connector = (options, callback) => {
    if (state.isAsked) return callback(new Error("the connection was lost; it is not made twice"), null);
    state.isAsked = true;
    connector(options, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error !== null) return callback(error, null);
      if (signal.aborted) {
        socket.destroy();
        return callback(new Error("it was aborted before it was sent"), null);
      }
      state.isMade = true;
      callback(null, socket);
    });
  };
  return { connector: once, isMade: () => state.isMade };
}
