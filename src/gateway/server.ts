import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Duplex } from "node:stream";
import { after } from "../lib/clock.ts";
import { AfkError, EXIT, messageOf, systemCode } from "../lib/errors.ts";
import { readAsked } from "./asked.ts";
import type { Answer } from "./protocols/protocol.ts";
import { protocolOf } from "./routes.ts";

/** What a client may take of the server before it has shown its key. */
const LIMITS = {
  maxHeaderSize: 32 * 1024,
  /** From the connection on: on a machine that is busy, hundreds wait together until they are read. */
  headersTimeout: 30_000,
  /** For the whole of a request, its body too. */
  requestTimeout: 120_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  /** Two lengths, or a length and chunks: readers differ in which of them counts. */
  insecureHTTPParser: false,
  requireHostHeader: false,
  /** Clients in Java offer HTTP/2 with each request over plain HTTP (`Upgrade: h2c`); it is answered as if they had not. */
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => /\bwebsocket\b/i.test(headers.upgrade ?? ""),
};
/** By Node's code of the error: a client may try again what came too slowly, and not what was wrong. */
const UNREAD: Record<string, string> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
};
/** So long may a client take to read why it is not served; then its connection is closed, whatever it does with its own side. */
const LINGER_MS = 1_000;
const CONNECTIONS_MAX = 12_000;
const HEADERS_MAX = 200;
/** Connections that the system holds until they are accepted: an agent may begin hundreds at once. */
const BACKLOG = 4_096;

/** A server of plain HTTP, or of HTTPS with `tls`; it does not listen yet. */
export function createGatewayServer(
  tls: { cert: string; key: string } | null,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server =
    tls === null ? createServer(LIMITS, onRequest) : createSecureServer({ ...LIMITS, ...tls }, onRequest);
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEADERS_MAX;
  server.on("upgrade", refuseUpgrade);
  server.on("connect", (_request, socket: Duplex) => socket.destroy());
  server.on("clientError", (error, socket: Duplex) => {
    // What is no HTTP gets no words of a protocol.
    const status = UNREAD[systemCode(error)] ?? "400 Bad Request";
    if (socket.writable)
      endWith(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    else socket.destroy();
  });
  return server;
}

/** Codex opens a WebSocket first; this answer makes it go on over HTTPS at once. */
function refuseUpgrade(request: IncomingMessage, socket: Duplex): void {
  const { head } = readAsked({ method: request.method, url: request.url, headers: headersOf(request) });
  const message = "afk: no WebSocket is served here; send the request over HTTP.";
  const answer = protocolOf(head).refuse({ type: "upgrade", message }, head);
  socket.on("error", () => socket.destroy());
  endWith(socket, rawAnswer(answer));
}

/**
 * The last words on a connection. A server of Node's leaves the other half open until the client closes it, and looks at none
 * a second time: one that never does would keep its place, and what was held of its body, for ever.
 */
function endWith(socket: Duplex, words: string): void {
  socket.end(words);
  const cancel = after(LINGER_MS, () => socket.destroy());
  socket.once("close", cancel);
}

function rawAnswer({ status, headers, body }: Answer): string {
  const lines = Object.entries({
    ...headers,
    connection: "close",
    "content-length": Buffer.byteLength(body),
  });
  return `HTTP/1.1 ${status} Upgrade Required\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}

/** The headers of a request, each as one text. */
export function headersOf({ headers }: IncomingMessage): Record<string, string | undefined> {
  const all: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers))
    all[name] = Array.isArray(value) ? value.join(", ") : value;
  return all;
}

/** @throws AfkError when the address is taken or not this machine's. */
export async function listen(
  server: Server,
  { listen: at, tls }: { listen: { host: string; port: number }; tls: object | null },
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const message = `the gateway cannot listen at ${at.host}:${at.port} (${messageOf(error)}); set gateway.listen in afk.yaml to an address that is free`;
      reject(new AfkError("gateway_unavailable", message, { exitCode: EXIT.unavailable, cause: error }));
    });
    server.listen({ port: at.port, host: at.host, backlog: BACKLOG }, resolve);
  });
  server.on("error", () => {});
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  const host = at.host.includes(":") ? `[${at.host}]` : at.host;
  return `${tls === null ? "http" : "https"}://${host}:${port}`;
}

/** Closes it when all requests are over, or after `ms`. */
export async function closeServer(server: Server, over: () => Promise<unknown>, ms: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cancel = after(ms, () => server.closeAllConnections());
  await over();
  cancel();
  server.closeAllConnections();
  await closed;
}
