import { type IncomingMessage, request } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { pause } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = MINUTE_MS;

/**
 * A new connection to the host of `url` that stands: for https its certificate was accepted. Not a byte of a request has
 * left on it. `signal` ends it at any time, also when it is in use.
 */
export function openConnection(
  url: URL,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Socket> {
  const waitMs = Math.min(CONNECT_TIMEOUT_MS, timeoutMs);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = socketTo(url);
    const limit = pause(waitMs);
    let stands = false;
    void limit.over.then(() => {
      if (!stands) socket.destroy(new Error(`no connection within ${waitMs} ms`));
    });
    const abort = () => socket.destroy();
    signal.addEventListener("abort", abort, { once: true });
    socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
      stands = true;
      limit.end();
      resolve(socket);
    });
    // It stays: an error that comes when nobody reads would else end the process.
    socket.on("error", reject);
    socket.once("close", () => {
      limit.end();
      signal.removeEventListener("abort", abort);
      reject(new Error("the connection was closed before it stood"));
    });
  });
}

/**
 * POSTs `body` on `connection`, which is then used up, and gives the answer once its headers are there. Node's own client
 * sends a request once: it follows nothing, and tries nothing again on a connection that it was handed.
 */
export function postOn(
  connection: Socket,
  url: URL,
  headers: Record<string, string>,
  body: string,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => connection,
      method: "POST",
      path: url.pathname + url.search,
      headers: { host: url.host, "content-length": Buffer.byteLength(body), ...headers },
    });
    sent.once("response", resolve);
    sent.on("error", reject);
    sent.once("close", () => reject(new Error("the connection was closed before the answer")));
    sent.end(body);
  });
}

function socketTo(url: URL): Socket {
  const isSecure = url.protocol === "https:";
  // An IPv6 address stands in brackets in a URL and nowhere else.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  const to = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
  if (!isSecure) return connect(to);
  // RFC 6066, section 3: an address is no name of a server.
  return connectSecurely({
    ...to,
    ALPNProtocols: ["http/1.1"],
    ...(isIP(host) === 0 && { servername: host }),
  });
}
