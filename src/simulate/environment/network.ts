import childProcess from "node:child_process";
import dnsPromises from "node:dns/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import net, { isIP, type LookupFunction } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import { replace } from "./replace.ts";

/** One HTTP request as it arrived, whole. */
export interface Asked {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What is sent back, `afterMs` after the request, and how the connection ends then; a server that hangs leaves it open. */
export interface Reply {
  afterMs: number;
  bytes: string;
  ending: "close" | "reset" | "hang";
}

/** What answers instead of the network. */
export interface Internet {
  /** Called once for a connection, with the whole request. */
  answer(asked: Asked): Reply;
  /** Rings after true time. */
  after(ms: number, ring: () => void): void;
  /** Null: the connection stands at once. Else the code of the error that it fails with, or that nobody answers. */
  accept(origin: string): "ECONNREFUSED" | "ECONNRESET" | "hangs" | null;
  /** False: the name has no address. */
  isKnown(hostname: string): boolean;
}

/** A public address, since the agent refuses others; nothing is ever sent to it. */
const ADDRESS = { address: "93.184.215.14", family: 4 };
const PROCESSES = ["spawn", "spawnSync", "exec", "execFile", "execFileSync", "execSync", "fork"] as const;

interface Connect {
  host?: string;
  port?: number | string;
  lookup?: LookupFunction;
  signal?: AbortSignal;
}

/**
 * Makes every connection of this thread one to `internet()`, whoever asks for it, and every other way out of the thread
 * an error: sockets that are made by hand, and processes. Gives what breaks every connection.
 */
export function installNetwork(internet: () => Internet): () => void {
  const sockets = new Set<Duplex>();

  function connect(isSecure: boolean, { host = "localhost", port, lookup, signal }: Connect): Duplex {
    const origin = new URL(`${isSecure ? "https" : "http"}://${host}:${port ?? (isSecure ? 443 : 80)}`)
      .origin;
    const socket = openSocket(origin, internet());
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    signal?.addEventListener("abort", () => socket.destroy(signal.reason), { once: true });
    const onLookedUp = (error: Error | null) => {
      const refusal = error ?? internet().accept(origin);
      if (refusal === "hangs" || socket.destroyed) return;
      if (typeof refusal === "string") socket.destroy(failure(refusal, `connect ${refusal} ${host}`));
      else if (refusal !== null) socket.destroy(refusal);
      else {
        socket.connecting = false;
        for (const event of ["connect", "ready", ...(isSecure ? ["secureConnect"] : [])]) socket.emit(event);
      }
    };
    // As a socket does, later than the call: the caller has yet to listen. The agent's own look-up, where it has one,
    // judges the address before anything is sent to it.
    process.nextTick(() => {
      if (socket.destroyed) return;
      if (lookup === undefined || isIP(host) !== 0) onLookedUp(null);
      else lookup(host, { all: true }, onLookedUp);
    });
    return socket;
  }

  replace(net, "connect", (options: Connect) => connect(false, options));
  replace(net, "createConnection", (options: Connect) => connect(false, options));
  replace(tls, "connect", (options: Connect) => connect(true, options));
  replace(net.Socket.prototype, "connect", refuse("a socket"));
  for (const name of PROCESSES) replace(childProcess, name, refuse("a process"));
  replace(dnsPromises, "lookup", async (hostname: string) => {
    if (internet().isKnown(hostname)) return [ADDRESS];
    throw failure("ENOTFOUND", `getaddrinfo ENOTFOUND ${hostname}`);
  });
  syncBuiltinESMExports();
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/**
 * The agent's end of a connection, with Node's own server at the other end. It stands in for `net.Socket` and
 * `tls.TLSSocket` under the HTTP clients, which send their bytes and read their answers as ever.
 */
function openSocket(origin: string, internet: Internet) {
  const [near, far] = duplexPair({ allowHalfOpen: false });
  const itself = () => near;
  const socket = Object.assign(near, {
    connecting: true,
    encrypted: origin.startsWith("https:"),
    authorized: true,
    alpnProtocol: false,
    bytesRead: 0,
    bytesWritten: 0,
    ...{ setKeepAlive: itself, setNoDelay: itself, setTimeout: itself, ref: itself, unref: itself },
  });
  const server = createServer(async (message) => {
    const { method = "", headers } = message;
    const url = new URL(message.url ?? "", origin);
    const { afterMs, bytes, ending } = internet.answer({ method, url, headers, body: await text(message) });
    internet.after(afterMs, () => {
      if (socket.destroyed) return;
      socket.bytesRead += Buffer.byteLength(bytes);
      if (bytes !== "") socket.push(Buffer.from(bytes));
      if (ending === "close") socket.push(null);
      else if (ending === "reset") socket.destroy(failure("ECONNRESET", "read ECONNRESET"));
    });
  });
  server.emit("connection", far);
  return socket;
}

/** An error of the system, as sockets give it. */
function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function refuse(what: string): () => never {
  return () => {
    throw new Error(`afk bug: a simulation was about to open ${what}`);
  };
}
