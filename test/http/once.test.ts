// @module-tag processes
import { createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { expect, it, onTestFinished } from "vitest";
import { RequestLost, requestOnce } from "../../src/http/once.ts";
import { AfkError } from "../../src/lib/errors.ts";
import { ask, failure, KINDS } from "../providers/providers.ts";
import { certificate } from "../support/certificate.ts";

const KIND = KINDS[0]!;
const never = () => Promise.reject(new Error("there is no reply to take"));

const GET = { method: "GET", headers: {}, body: null, timeoutMs: 60_000 };

it("makes no connection when it is aborted before", async () => {
  const { url, sockets } = await listen(() => undefined);
  const signal = AbortSignal.abort(new Error("killed"));
  const lost = await requestOnce(new URL(url), { ...GET, signal }, never).catch((error) => error);
  expect(lost).toMatchObject({ isSent: false, message: "killed" });
  expect(sockets).toHaveLength(0);
});

it("ends with its signal, also while it is used", async () => {
  const closed = Promise.withResolvers<void>();
  const stop = new AbortController();
  const { url } = await listen((socket) => {
    socket.once("data", () => stop.abort(new Error("killed")));
    socket.once("close", () => closed.resolve());
  });
  const lost = await requestOnce(new URL(url), { ...GET, signal: stop.signal }, never).catch(
    (error) => error,
  );
  await closed.promise;
  expect(lost).toBeInstanceOf(RequestLost);
  expect(lost).toMatchObject({ isSent: true, isTimedOut: false, message: "killed" });
});

it("says that it was sent also where its reader throws the signal's own reason", async () => {
  const stop = new AbortController();
  const { url } = await listen((socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\n{"));
  });
  const take = (_reply: unknown, signal: AbortSignal): Promise<never> => {
    stop.abort(new AfkError("killed", "killed"));
    throw signal.reason;
  };
  const lost = await requestOnce(new URL(url), { ...GET, signal: stop.signal }, take).catch((error) => error);
  expect(lost).toBeInstanceOf(RequestLost);
  expect(lost).toMatchObject({ isSent: true, message: "killed" });
});

it("makes one connection and sends once, also when the answer is a 421 or none", async () => {
  for (const answer of ["HTTP/1.1 421 Misdirected Request\r\ncontent-length: 0\r\n\r\n", ""]) {
    const { url, sockets } = await listen((socket) => void socket.once("data", () => socket.end(answer)));
    const { signal } = new AbortController();
    const post = { ...GET, method: "POST", body: "{}", signal };
    const outcome = await requestOnce(new URL(url), post, async ({ status }) => status).catch(
      (error) => error,
    );
    expect(answer === "" ? outcome.isSent : outcome).toBe(answer === "" ? true : 421);
    expect(sockets).toHaveLength(1);
  }
});

it("sends no byte when the last look at the kill switch refuses", async () => {
  let bytes = 0;
  const { url } = await listen((socket) => {
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
  });
  const { signal } = new AbortController();
  const lastLook = () => Promise.reject(new Error("killed"));
  const lost = await requestOnce(new URL(url), { ...GET, signal, lastLook }, never).catch((error) => error);
  expect(lost).toMatchObject({ isSent: false, message: "killed" });
  expect(bytes).toBe(0);
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
