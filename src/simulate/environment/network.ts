import childProcess from "node:child_process";
import dnsPromises from "node:dns/promises";
import { syncBuiltinESMExports } from "node:module";
import net, { isIP, type LookupFunction } from "node:net";
import tls from "node:tls";
import { FakeSocket, failure, type Server } from "./fake-socket.ts";
import { replace } from "./replace.ts";

/** What answers instead of the network. */
export interface Internet extends Server {
  /** Null: the connection stands at once. Else the code of the error that it fails with, or that nobody answers. */
  accept(origin: string): "ECONNREFUSED" | "ECONNRESET" | "hangs" | null;
  /** False: the name has no address. */
  isKnown(hostname: string): boolean;
}

/** A public address, since the agent refuses others; nothing is ever sent to it. */
const ADDRESS = { address: "93.184.215.14", family: 4 };

interface Connect {
  host?: string;
  port?: number | string;
  lookup?: LookupFunction;
  signal?: AbortSignal;
}

/**
 * Makes every connection of this thread one to `internet`, whoever asks for it, and every other way out of the thread
 * an error: sockets that are made by hand, and processes.
 */
export function installNetwork(internet: Internet): { cutAll(): void } {
  const sockets = new Set<FakeSocket>();

  function connect(scheme: "http" | "https", options: Connect): FakeSocket {
    const { host = "localhost", port = scheme === "https" ? 443 : 80 } = options;
    const origin = new URL(`${scheme}://${host}:${port}`).origin;
    const socket = new FakeSocket(origin, internet);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    options.signal?.addEventListener("abort", () => socket.destroy(options.signal?.reason), { once: true });
    // As a socket does, later than the call: the caller has yet to listen.
    process.nextTick(() => {
      if (socket.destroyed) return;
      resolve(host, options.lookup, (error) => {
        const refusal = error ?? refusalOf(internet.accept(origin), host);
        if (refusal === "hangs" || socket.destroyed) return;
        if (refusal === null) socket.connected();
        else socket.destroy(refusal);
      });
    });
    return socket;
  }

  for (const name of ["connect", "createConnection"] as const) {
    replace(net, name, (options: Connect) => connect("http", options));
  }
  replace(tls, "connect", (options: Connect) => connect("https", options));
  replace(net.Socket.prototype, "connect", refuse("a socket"));
  for (const name of [
    "spawn",
    "spawnSync",
    "exec",
    "execFile",
    "execFileSync",
    "execSync",
    "fork",
  ] as const) {
    replace(childProcess, name, refuse("a process"));
  }
  replace(dnsPromises, "lookup", async (hostname: string) => {
    if (!internet.isKnown(hostname)) throw failure("ENOTFOUND", `getaddrinfo ENOTFOUND ${hostname}`);
    return [ADDRESS];
  });
  syncBuiltinESMExports();
  return {
    cutAll() {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
}

/** The agent's own look-up, where it has one, judges the address before anything is sent to it. */
function resolve(
  host: string,
  lookup: LookupFunction | undefined,
  done: (error: Error | null) => void,
): void {
  if (lookup === undefined || isIP(host) !== 0) done(null);
  else lookup(host, { all: true }, (error) => done(error));
}

function refusalOf(verdict: ReturnType<Internet["accept"]>, host: string): Error | "hangs" | null {
  if (verdict === null || verdict === "hangs") return verdict;
  return failure(verdict, `connect ${verdict} ${host}`);
}

function refuse(what: string): () => never {
  return () => {
    throw new Error(`afk bug: a simulation was about to open ${what}`);
  };
}
