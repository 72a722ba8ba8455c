import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type LookupFunction, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { hashOfKey } from "../lib/client-key.ts";
import { AfkError, EXIT, messageOf } from "../lib/errors.ts";

/** Where a request through a proxy goes. */
export interface Target {
  /** A name or an address in its one spelling; IPv6 in brackets. */
  host: string;
  port: number;
  /** For plain HTTP: path and query. */
  path: string;
}

/** Whom a proxy lets its clients reach. */
export interface ProxyRules {
  /** Reads what a request line asks for. `host`, with its port, is null where it asks for nothing that a proxy does. */
  admit(method: string, asked: string): Target | { host: string | null; refusal: string };
  /** Resolves names for connections to a port, and rejects with an AfkError (retry never) what may not be reached. */
  lookup(port: number): LookupFunction;
}

/** What a filtering proxy is opened with. */
export interface ProxyOptions {
  rules: ProxyRules;
  /** Asked of whoever comes over the machine's network: the password of Basic authentication, by any name. */
  key: string;
  /** Called for each request that goes nowhere. `host` is as it was asked for, with its port. */
  onRefused(host: string, why: string): void;
  limits?: Partial<typeof LIMITS>;
}

/** A filtering proxy while it listens: HTTP's CONNECT, and plain HTTP by whole addresses (RFC 9110, sections 7.6 and 9.3.6). */
export interface Proxy {
  /** Where it listens, at 127.0.0.1. */
  port: number;
  /** Serves a connection of somebody who needs no key. */
  accept(socket: Socket): void;
  /** What has gone through it so far. */
  traffic(): { requests: number; bytesSent: number; bytesReceived: number };
  /** Cuts what is under way. */
  close(): Promise<void>;
}

const LIMITS = {
  connectMs: 10_000,
  /** A connection on which nothing moves for so long is cut. */
  idleMs: 10 * 60_000,
  connectionsMax: 512,
};
const SERVER = { maxHeaderSize: 32 * 1024, headersTimeout: 10_000, insecureHTTPParser: false };
/** Speak of one connection, and are not handed on (RFC 9110, section 7.6.1). */
const HOP_HEADERS = new Set([
  ...["connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate"],
  ...["te", "trailer", "transfer-encoding", "upgrade", "host"],
]);

/**
 * Opens a proxy that lets programs reach the hosts of its rules and nobody else. Each name is resolved once, its addresses are
 * checked, and the connection goes to one of these very addresses.
 * @throws AfkError (`proxy_unavailable`) when it cannot listen.
 */
export async function openProxy({ rules, key, onRefused, ...options }: ProxyOptions): Promise<Proxy> {
  const limits = { ...LIMITS, ...options.limits };
  const trusted = new WeakSet<object>();
  const open = new Set<Duplex>();
  const traffic = { requests: 0, bytesSent: 0, bytesReceived: 0 };
  const server = createServer(SERVER, (request, response) => void serve(request, response));
  server.maxConnections = limits.connectionsMax;
  server.on("connection", follow);
  server.on("connect", (request, socket, head) => void tunnel(request, socket, head));
  server.on("upgrade", (_request, socket) => socket.destroy());
  server.on("clientError", (_error, socket) => socket.destroy());

  function follow(socket: Duplex): void {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => open.delete(socket));
  }

  /** Where a request may go; null where it was refused, which then has been said. */
  function admit(request: IncomingMessage, refuse: (status: number, why: string) => void): Target | null {
    if (!trusted.has(request.socket) && !hasKey(request, key)) {
      refuse(407, "the proxy of this run was asked without the run's key");
      return null;
    }
    const admitted = rules.admit(request.method ?? "", request.url ?? "");
    if (!("refusal" in admitted)) return admitted;
    if (admitted.host !== null) onRefused(admitted.host, admitted.refusal);
    refuse(admitted.host === null ? 400 : 403, admitted.refusal);
    return null;
  }

  function failed({ host, port }: Target, error: unknown): [status: number, why: string] {
    const isRefused = error instanceof AfkError && error.retry === "never";
    if (isRefused) onRefused(`${host}:${port}`, error.message);
    return [isRefused ? 403 : 502, messageOf(error)];
  }

  async function tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const refuse = (status: number, why: string) => client.end(rawRefusal(status, why));
    const target = admit(request, refuse);
    if (target === null) return;
    traffic.requests += 1;
    try {
      const upstream = await connectTo(target);
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      await Promise.allSettled([pipeline(client, upstream), pipeline(upstream, client)]);
      traffic.bytesSent += upstream.bytesWritten;
      traffic.bytesReceived += upstream.bytesRead;
    } catch (error) {
      refuse(...failed(target, error));
    }
  }

  function connectTo({ host, port }: Target): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const bare = host.replace(/^\[|\]$/g, "");
      const socket = connect({ host: bare, port, lookup: rules.lookup(port), timeout: limits.connectMs });
      follow(socket);
      socket.once("timeout", () => socket.destroy(new Error(`${host}:${port} did not answer in time`)));
      socket.once("error", reject);
      socket.once("connect", () => {
        socket
          .removeListener("error", reject)
          .removeAllListeners("timeout")
          .setTimeout(limits.idleMs, () => socket.destroy());
        resolve(socket);
      });
    });
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, why: string) => {
      const headers = { "content-type": "text/plain; charset=utf-8", connection: "close" };
      if (response.headersSent) response.destroy();
      else
        response
          .writeHead(status, status === 407 ? { ...headers, ...ASK_KEY } : headers)
          .end(`afk: ${why}\n`);
    };
    const target = admit(request, refuse);
    if (target === null) return;
    traffic.requests += 1;
    try {
      const upstream = await connectTo(target);
      const answer = await exchangeOver(upstream, request, target);
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer));
      await pipeline(answer, response);
      traffic.bytesSent += upstream.bytesWritten;
      traffic.bytesReceived += upstream.bytesRead;
    } catch (error) {
      refuse(...failed(target, error));
    }
  }

  /** One request on a connection of its own. */
  function exchangeOver(
    socket: Socket,
    from: IncomingMessage,
    { host, port, path }: Target,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...endToEnd(from),
        host: port === 80 ? host : `${host}:${port}`,
        connection: "close",
      };
      const options = { method: from.method ?? "GET", path, headers, createConnection: () => socket };
      const upstream = requestHttp(options, resolve).on("error", reject);
      upstream.setTimeout(limits.idleMs, () => upstream.destroy(new Error(`${host} did not answer in time`)));
      pipeline(from, upstream).catch(reject);
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `the proxy of the run cannot listen (${messageOf(cause)})`;
      reject(new AfkError("proxy_unavailable", message, { exitCode: EXIT.unavailable, cause }));
    });
    server.listen({ port: 0, host: "127.0.0.1" }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    accept(socket) {
      if (open.size > 2 * limits.connectionsMax) return void socket.destroy();
      trusted.add(socket);
      server.emit("connection", socket);
    },
    traffic: () => ({ ...traffic }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

const ASK_KEY = { "proxy-authenticate": 'Basic realm="afk"' };

function rawRefusal(status: number, why: string): string {
  const asks = status === 407 ? 'Proxy-Authenticate: Basic realm="afk"\r\n' : "";
  const body = `afk: ${why}\n`;
  const reason =
    { 400: "Bad Request", 403: "Forbidden", 407: "Proxy Authentication Required" }[status] ?? "Bad Gateway";
  return `HTTP/1.1 ${status} ${reason}\r\n${asks}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

function hasKey({ headers }: IncomingMessage, key: string): boolean {
  const [scheme = "", value = ""] = (headers["proxy-authorization"] ?? "").split(" ");
  if (scheme.toLowerCase() !== "basic") return false;
  const shown = Buffer.from(value, "base64")
    .toString("utf8")
    .replace(/^[^:]*:/, "");
  return timingSafeEqual(hashOfKey(shown), hashOfKey(key));
}

/** The headers that go on, as they were written; those that `Connection` names do not. */
function endToEnd(message: IncomingMessage): Record<string, string[]> {
  const named = (message.headers.connection ?? "").toLowerCase().split(/\s*,\s*/);
  const entries = Object.entries(message.headersDistinct).filter(
    ([name]) => !HOP_HEADERS.has(name) && !named.includes(name),
  );
  return Object.fromEntries(entries) as Record<string, string[]>;
}
