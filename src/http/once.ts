import type { ClientRequest, IncomingMessage } from "node:http";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { after } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { AfkError, messageOf } from "../lib/errors.ts";
import { once } from "../lib/once.ts";
import { joinSignals } from "../lib/signals.ts";

/** One request that is sent at most once. Times are in milliseconds. */
export interface OnceRequest {
  method: string;
  headers: Record<string, string>;
  /** Sent as UTF-8; null sends none. */
  body: string | null;
  /** Ends the request at any time. */
  signal: AbortSignal;
  /** For all of it, from the look-up of the name to the end of the reading. */
  timeoutMs: number;
  /** For the connection alone; ten seconds unless stated. */
  connectTimeoutMs?: number;
  /** From the request to the headers of the reply; no limit of its own unless stated. */
  headersTimeoutMs?: number;
  /** The most that is read of the reply's body; 8 MiB unless stated. */
  bodyBytesMax?: number;
  /** How the name becomes addresses; the system's look-up unless stated. The connection goes to what it gives. */
  lookup?: LookupFunction;
  /** Asked when the connection stands, immediately before the first byte; nothing is sent when it rejects. */
  lastLook?: () => Promise<void>;
}

/** The headers of a reply: names in lower case, what came several times joined by commas. */
export type ReplyHeaders = Record<string, string | undefined>;

/** A reply whose headers have come and whose body has not been read. */
export interface OnceReply {
  status: number;
  headers: ReplyHeaders;
  /** As it comes off the wire: not decoded, and of any length. */
  body: IncomingMessage;
}

/** A request that ended before its reply was read. */
export class RequestLost extends Error {
  /** False: the connection never stood, so not a byte of the request can have left. */
  readonly isSent: boolean;
  readonly isTimedOut: boolean;

  constructor(fields: { isSent: boolean; isTimedOut: boolean; cause: unknown }) {
    super(fields.isTimedOut ? "it took too long" : reasonOf(fields.cause), { cause: fields.cause });
    this.isSent = fields.isSent;
    this.isTimedOut = fields.isTimedOut;
  }
}

/** How long a connection may take to stand, where nothing else is stated. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** After so long without a byte the system asks whether the other side is still there. */
export const KEEP_ALIVE_MS = MINUTE_MS;
const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** What a reply has on the wire beside its body: headers, and how it is cut into chunks, which cost far more than their bytes. */
const framingBytesMax = (bodyBytes: number) => 256 * 1024 + bodyBytes / 8;
const INFORMATIONAL_MAX = 20;

/**
 * Sends one request on one new connection and hands the reply to `take`: no retry, no redirect, and no reuse, since a server
 * that closes an idle connection under a request would leave open whether it arrived. Not `fetch`, which sends a request
 * again by itself on a 421, reads informational replies without end, and takes a compressed body that was cut off for whole.
 *
 * @throws RequestLost; whatever AfkError `take` or the look-up throws.
 */
export async function requestOnce<T>(
  url: URL,
  request: OnceRequest,
  take: (reply: OnceReply, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using limit = joinSignals([request.signal], request.timeoutMs);
  const { signal } = limit;
  let connection: Socket | null = null;
  let brokenBy: unknown;
  let isSent = false;
  try {
    signal.throwIfAborted();
    connection = await openConnection(url, request, signal);
    const onError = (error: unknown) => {
      brokenBy ??= error;
    };
    connection.on("error", onError);
    await request.lastLook?.();
    signal.throwIfAborted();
    // From here on bytes of the request may leave: Node writes them before it turns to anything else.
    isSent = true;
    const reply = await send(connection, url, request, onError);
    return await take({ status: reply.statusCode ?? 0, headers: joinHeaders(reply), body: reply }, signal);
  } catch (error) {
    throw lostBy(error, { limit, isSent, brokenBy });
  } finally {
    connection?.destroy();
  }
}

/** What is thrown for an error of an exchange: the error itself where it is one of afk's own, else a RequestLost. */
export function lostBy(
  error: unknown,
  state: { limit: ReturnType<typeof joinSignals>; isSent: boolean; brokenBy: unknown },
): Error {
  const { signal, isTimedOut } = state.limit;
  // The signal's reason may be one of ours too, and says nothing of whether the request was sent.
  if (error instanceof AfkError && error !== signal.reason) return error;
  const cause = signal.aborted ? signal.reason : (state.brokenBy ?? error);
  return new RequestLost({ isSent: state.isSent, isTimedOut: isTimedOut(), cause });
}

/** Why a request failed, in words: a refused connection with several addresses is an AggregateError without a message. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return [messageOf(error), code].find((text) => text !== "") ?? "the connection failed";
}

/** At the first request: a tick with nothing to do starts without them. */
const loadNode = once(async () => {
  const [http, net, tls] = await Promise.all([import("node:http"), import("node:net"), import("node:tls")]);
  return { http, net, tls };
});

/** A new connection that stands: for https its certificate was accepted. `signal` ends it at any time, also in use. */
async function openConnection(url: URL, request: OnceRequest, signal: AbortSignal): Promise<Socket> {
  const waitMs = Math.min(request.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, request.timeoutMs);
  const { net, tls } = await loadNode();
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const isSecure = url.protocol === "https:";
    // An IPv6 address stands in brackets in a URL and nowhere else.
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
    const keepAlive = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    const to = { host, port, ...keepAlive, ...(request.lookup && { lookup: request.lookup }) };
    // RFC 6066, section 3: an address is no name of a server.
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = isSecure
      ? tls.connect({ ...to, ALPNProtocols: ["http/1.1"], ...servername })
      : net.connect(to);
    const endLimit = after(waitMs, () => socket.destroy(new Error(`no connection within ${waitMs} ms`)));
    const abort = () => socket.destroy();
    signal.addEventListener("abort", abort, { once: true });
    socket.once(isSecure ? "secureConnect" : "connect", () => {
      endLimit();
      resolve(socket);
    });
    // It stays: an error that comes when nobody reads would else end the process.
    socket.on("error", reject);
    socket.once("close", () => {
      endLimit();
      signal.removeEventListener("abort", abort);
      reject(new Error("the connection was closed before it stood"));
    });
  });
}

/** Node's own client sends a request once: it follows nothing, and tries nothing again on a connection it was handed. */
async function send(
  connection: Socket,
  url: URL,
  request: OnceRequest,
  onError: (error: unknown) => void,
): Promise<IncomingMessage> {
  const { http } = await loadNode();
  const { method, body, headersTimeoutMs } = request;
  const length = body === null ? {} : { "content-length": Buffer.byteLength(body) };
  const hangUp = () => {
    connection.destroy(new Error(`it took too long: no answer within ${headersTimeoutMs} ms`));
  };
  const endLimit = headersTimeoutMs === undefined ? null : after(headersTimeoutMs, hangUp);
  try {
    return await new Promise((resolve, reject) => {
      const sent = http.request({
        createConnection: () => connection,
        method,
        path: url.pathname + url.search,
        headers: { host: url.host, ...length, ...request.headers },
      });
      boundReply(sent, connection, request.bodyBytesMax ?? BODY_BYTES_MAX);
      sent.once("response", resolve);
      sent.on("error", (error) => {
        onError(error);
        reject(error);
      });
      sent.once("close", () => reject(new Error("the connection was closed before the answer")));
      sent.end(body ?? undefined);
    });
  } finally {
    endLimit?.();
  }
}

/** Hangs up on a server of endless informational replies (RFC 9110, section 15.2), which cost much for their few bytes. */
export function boundInformational(sent: ClientRequest): void {
  let informational = 0;
  sent.on("information", () => {
    informational += 1;
    if (informational > INFORMATIONAL_MAX) {
      sent.destroy(new Error(`the server sent more than ${INFORMATIONAL_MAX} informational answers`));
    }
  });
}

/**
 * Hangs up on a server that sends more than any honest reply has. Chunk extensions (RFC 9112, section 7.1.1), for one, are no
 * body and counted nowhere else.
 */
function boundReply(sent: ClientRequest, connection: Socket, bodyBytesMax: number): void {
  const bytesMax = bodyBytesMax + framingBytesMax(bodyBytesMax);
  boundInformational(sent);
  // Not before the client reads: a listener makes the socket flow.
  sent.once("socket", () => {
    connection.on("data", () => {
      if (connection.bytesRead <= bytesMax) return;
      connection.destroy(new Error(`the server sent more than ${bytesMax} bytes over one connection`));
    });
  });
}

/** The headers as the rest of afk reads them. */
export function joinHeaders({ headers }: IncomingMessage): ReplyHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}
