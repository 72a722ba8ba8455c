import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest, Agent as SecureAgent } from "node:https";
import type { Socket } from "node:net";
import { after } from "../lib/clock.ts";
import { joinSignals } from "../lib/signals.ts";
import {
  boundInformational,
  CONNECT_TIMEOUT_MS,
  joinHeaders,
  KEEP_ALIVE_MS,
  lostBy,
  type OnceReply,
  type OnceRequest,
} from "./once.ts";

/** One request that is sent at most once, on a connection that others were sent on before. Times are in milliseconds. */
export interface PooledRequest extends Omit<OnceRequest, "body" | "lookup" | "lastLook"> {
  /** With names in lower case; Host and Content-Length are added. */
  headers: Record<string, string>;
  body: Buffer | null;
  /** The longest that the server may say nothing once its reply has begun. */
  idleTimeoutMs: number;
  lastLook: () => Promise<void>;
}

/** Connections to servers outside that are kept open between requests. */
export interface Pool {
  /**
   * Sends one request and hands the reply to `take`, with a signal that ends with the request's: no retry and no redirect. The
   * body is as it comes off the wire, and of any length; a connection whose reply `take` has not read to its end is closed.
   * @throws RequestLost, which was sent also where a connection that had been kept turns out to be dead; whatever AfkError
   *   `take` throws.
   */
  send<T>(
    url: URL,
    request: PooledRequest,
    take: (reply: OnceReply, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** Closes all connections, also those in use. */
  close(): void;
}

/** Servers commonly close after five seconds: uvicorn, and Node, which also says so. A request must not meet that. */
const FREE_TIMEOUT_MS = 4_000;
/** One stream each. */
const CONNECTIONS_PER_HOST_MAX = 2_000;
const FREE_PER_HOST_MAX = 64;
const HEADER_BYTES_MAX = 64 * 1024;
/** What a reply may take on the wire beside its body: so much, and so many bytes for each byte of the body. */
const FRAMING = { bytes: 256 * 1024, perByte: 8 };

/** A pool with no connection yet; a free one does not keep the process alive. */
export function createPool(): Pool {
  const kept = {
    keepAlive: true,
    keepAliveMsecs: KEEP_ALIVE_MS,
    // Of a free connection; a shorter time that the server states for it wins.
    timeout: FREE_TIMEOUT_MS,
    maxSockets: CONNECTIONS_PER_HOST_MAX,
    maxFreeSockets: FREE_PER_HOST_MAX,
    noDelay: true,
  };
  const agents = { plain: new Agent(kept), secure: new SecureAgent(kept) };
  return {
    send: (url, request, take) => sendOver(agents, url, request, take),
    close() {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

async function sendOver<T>(
  agents: { plain: Agent; secure: SecureAgent },
  url: URL,
  request: PooledRequest,
  take: (reply: OnceReply, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using limit = joinSignals([request.signal], request.timeoutMs);
  const { signal } = limit;
  const state = { limit, isSent: false, brokenBy: undefined as unknown };
  let sent: ClientRequest | null = null;
  let bounds: Disposable | null = null;
  let isReusable = false;
  try {
    signal.throwIfAborted();
    const opened = begin(agents, url, request);
    sent = opened;
    // It stays: an error that comes when nobody waits would else end the process.
    opened.on("error", (error) => {
      state.brokenBy ??= error;
    });
    opened.on("response", () => {
      // To something else, or to nobody.
      if (!state.isSent) opened.destroy(new Error("the server answered before it was asked"));
    });
    const connection = await connected(opened, url, request, signal);
    await request.lastLook();
    signal.throwIfAborted();
    if (opened.destroyed) throw new Error("the connection was closed before the request");
    // From here on bytes of the request may leave: Node writes them before it turns to anything else.
    state.isSent = true;
    const reply = await answered(opened, request);
    bounds = boundReply(reply, connection, request.idleTimeoutMs, (reason) => {
      state.brokenBy ??= reason;
      opened.destroy(reason);
    });
    const taken = await take(
      { status: reply.statusCode ?? 0, headers: joinHeaders(reply), body: reply },
      signal,
    );
    isReusable = reply.readableEnded && opened.writableFinished;
    return taken;
  } catch (error) {
    throw lostBy(error, state);
  } finally {
    bounds?.[Symbol.dispose]();
    if (!isReusable) sent?.destroy();
  }
}

/** A request of which nothing is sent before it is ended. */
function begin(
  agents: { plain: Agent; secure: SecureAgent },
  url: URL,
  { method, headers, body }: PooledRequest,
): ClientRequest {
  const length = body === null ? {} : { "content-length": String(body.byteLength) };
  const options = {
    method,
    headers: { ...headers, host: url.host, ...length },
    maxHeaderSize: HEADER_BYTES_MAX,
  };
  return url.protocol === "https:"
    ? httpsRequest(url, { ...options, agent: agents.secure })
    : httpRequest(url, { ...options, agent: agents.plain });
}

/** The connection that a request has got, once it stands: for https its certificate was accepted. */
function connected(
  sent: ClientRequest,
  url: URL,
  request: PooledRequest,
  signal: AbortSignal,
): Promise<Socket> {
  const waitMs = Math.min(request.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, request.timeoutMs);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      endLimit();
      reject(error);
      sent.destroy();
    };
    const endLimit = after(waitMs, () => fail(new Error(`no connection within ${waitMs} ms`)));
    // Ends it also later on. One that waits for a connection to become free says nothing when it is destroyed.
    signal.addEventListener("abort", () => fail(signal.reason), { once: true });
    sent.once("error", fail);
    sent.once("close", () => fail(new Error("the connection was closed before the request")));
    sent.once("socket", (socket) => {
      const stands = () => {
        endLimit();
        resolve(socket);
      };
      if (socket.connecting) socket.once(url.protocol === "https:" ? "secureConnect" : "connect", stands);
      else stands();
    });
  });
}

/** Sends the request. @returns the reply, whose headers have come. */
async function answered(
  sent: ClientRequest,
  { body, headersTimeoutMs }: PooledRequest,
): Promise<IncomingMessage> {
  const hangUp = () => sent.destroy(new Error(`it took too long: no answer within ${headersTimeoutMs} ms`));
  const endLimit = headersTimeoutMs === undefined ? null : after(headersTimeoutMs, hangUp);
  boundInformational(sent);
  try {
    return await new Promise((resolve, reject) => {
      sent.once("response", resolve);
      sent.once("error", reject);
      sent.once("close", () => reject(new Error("the connection was closed before the answer")));
      sent.end(body ?? undefined);
    });
  } finally {
    endLimit?.();
  }
}

/** Hangs up on a server that falls silent in its reply, or sends far more than the body of it, until it is disposed of. */
function boundReply(
  reply: IncomingMessage,
  connection: Socket,
  idleTimeoutMs: number,
  hangUp: (reason: Error) => void,
): Disposable {
  const wireBytesBefore = connection.bytesRead;
  let bodyBytes = 0;
  const push = reply.push;
  // The only place that sees the body without reading it.
  reply.push = (chunk: Buffer | null, encoding) => {
    bodyBytes += chunk?.byteLength ?? 0;
    return push.call(reply, chunk, encoding);
  };
  // Chunk extensions (RFC 9112, section 7.1.1), for one, are no body and counted nowhere else.
  const onBytes = () => {
    const framingBytes = connection.bytesRead - wireBytesBefore - bodyBytes;
    if (framingBytes > FRAMING.bytes + FRAMING.perByte * bodyBytes)
      hangUp(
        new Error(`the server sent ${framingBytes} bytes of framing around ${bodyBytes} bytes of reply`),
      );
  };
  // Twice in the time, since a reader that was slow may have gone on in this very turn of the event loop.
  let silentSince: number | null = null;
  const onIdle = () => {
    connection.setTimeout(idleTimeoutMs / 2);
    const isReaderSlow = reply.readableLength > 0 || reply.isPaused();
    if (silentSince === connection.bytesRead && !isReaderSlow)
      hangUp(new Error(`it took too long: nothing came for ${idleTimeoutMs} ms`));
    silentSince = isReaderSlow ? null : connection.bytesRead;
  };
  connection
    .on("data", onBytes)
    .on("timeout", onIdle)
    .setTimeout(idleTimeoutMs / 2);
  return {
    [Symbol.dispose]() {
      connection.off("data", onBytes).off("timeout", onIdle);
    },
  };
}
