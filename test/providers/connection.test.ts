import { createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { expect, it, onTestFinished } from "vitest";
import { openConnection } from "../../src/providers/connection.ts";
import { certificate } from "../support/certificate.ts";
import { ask, failure, KINDS } from "./providers.ts";

const KIND = KINDS[0]!;

it("makes no connection when it is aborted before", async () => {
  const { url, sockets } = await listen(() => undefined);
  const signal = AbortSignal.abort(new Error("killed"));
  await expect(openConnection(new URL(url), { signal, timeoutMs: 1_000 })).rejects.toThrow("killed");
  expect(sockets).toHaveLength(0);
});

it("ends with its signal, also while it is used", async () => {
  const closed = Promise.withResolvers<void>();
  const { url } = await listen((socket) => socket.resume().once("close", () => closed.resolve()));
  const stop = new AbortController();
  const connection = await openConnection(new URL(url), { signal: stop.signal, timeoutMs: 60_000 });
  stop.abort();
  await closed.promise;
  expect(connection.destroyed).toBe(true);
});

it("does not wait for a connection that nobody makes when the call is aborted, and charges nothing", async () => {
  const stop = new AbortController();
  // It takes the connection and never answers the greeting of TLS.
  const { url } = await listen(() => stop.abort(new Error("killed")));
  const provider = KIND.create({ baseUrl: url.replace("http:", "https:"), apiKey: null });
  const failed = await failure(ask(provider, KIND.model, { signal: stop.signal, timeoutMs: 60_000 }));
  expect(failed).toMatchObject({ charge: "none", trip: "none" });
});

it("sends no byte of a request to a server whose certificate nobody vouches for", async () => {
  let read = "";
  const secureContext = createSecureContext(certificate());
  const { url } = await listen((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    secure.on("data", (bytes) => {
      read += bytes;
    });
    secure.on("error", () => undefined);
  });
  const provider = KIND.create({ baseUrl: url.replace("http:", "https:"), apiKey: null });
  const failed = await failure(ask(provider, KIND.model));
  expect(failed).toMatchObject({ charge: "none", trip: "count" });
  expect(failed.message).toMatch(/certificate/);
  expect(read).toBe("");
});

/** A server on 127.0.0.1 with its connections; it goes away with the test. */
async function listen(onConnection: (socket: Socket) => void): Promise<{ url: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => undefined));
    onConnection(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return { url: `http://127.0.0.1:${address.port}`, sockets };
}
