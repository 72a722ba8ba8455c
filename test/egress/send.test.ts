import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import type { EgressConfig } from "../../src/config/config.ts";
import { SendFailed } from "../../src/egress/errors.ts";
import { createOutgoing } from "../../src/egress/send.ts";
import type { EgressOptions } from "../../src/egress/transport.ts";
import type { SendRequest } from "../../src/egress/types.ts";
import { silentLog } from "../../src/lib/log.ts";
import { readSources } from "../support/architecture/source.ts";
import { actionServer, answering, closedPort, hang } from "../support/drafting.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { LOCAL, rejection, testEgress, testStore } from "./harness.ts";

const REQUEST: SendRequest = {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: '{"a":"ä"}',
  idempotencyKey: "key-1",
};

/** Waits for no answer longer than the tests do; those of time-outs say their own. */
async function testOutgoing(
  options: Partial<Omit<EgressOptions, "config">> & { config?: Partial<EgressConfig> } = {},
) {
  const clock = fakeClock();
  const outgoing = createOutgoing({
    db: (await testStore()).db,
    agentVersion: "1.2.3",
    log: silentLog,
    clock,
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    ...options,
    config: { ...LOCAL, ...options.config },
  });
  onTestFinished(() => outgoing.close());
  const send = (url: string, request: Partial<SendRequest> & { signal?: AbortSignal } = {}) =>
    outgoing.send(url, { ...REQUEST, signal: new AbortController().signal, ...request });
  return { outgoing, send, clock };
}

/** A TCP server that is no web server; `onConnection` gets each connection. */
async function tcpServer(onConnection: (socket: Socket) => void): Promise<{ port: number; count(): number }> {
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, count: () => count };
}

describe("a request that is sent", () => {
  test.each([
    ["POST", '{"a":"ä"}'],
    ["PUT", "plain text\nof two lines"],
    ["PATCH", ""],
    ["DELETE", null],
  ] as const)("%s arrives as it was prepared, once, and nothing else with it", async (method, body) => {
    const server = await actionServer();
    const { outgoing, send } = await testOutgoing({ config: { contact: "ops@example.org" } });
    const request = { ...REQUEST, method, body };
    const prepared = outgoing.prepare(`${server.origin}/a/b?c=d#part`, request);
    expect(await send(`${server.origin}/a/b?c=d#part`, request)).toEqual({ status: 201 });
    const [received, ...more] = server.received;
    const { host, connection, "content-length": length, ...headers } = received!.headers;
    expect({ method: received?.method, headers, body: received?.body }).toEqual({
      method: prepared.method,
      headers: prepared.headers,
      body: prepared.body ?? "",
    });
    expect(prepared.url).toBe(`${server.origin}/a/b?c=d`);
    expect(received?.path).toBe("/a/b?c=d");
    expect(headers).toEqual({
      "user-agent": "afk/1.2.3 (+ops@example.org)",
      "idempotency-key": "key-1",
      "content-type": "application/json",
    });
    expect([host, connection]).toEqual([`127.0.0.1:${server.port}`, "close"]);
    expect(Number(length ?? 0)).toBe(Buffer.byteLength(body ?? ""));
    // No robots.txt either: this is no crawling.
    expect(more).toEqual([]);
  });

  test.each([301, 302, 303, 307, 308])("a redirect (%d) is an answer and is not followed", async (status) => {
    const server = await actionServer(answering(status, { location: "/elsewhere" }));
    const { send } = await testOutgoing();
    expect(await send(`${server.origin}/form`)).toEqual({ status });
    expect(server.received.map(({ path }) => path)).toEqual(["/form"]);
  });

  test.each([200, 204, 400, 401, 404, 409, 422, 500, 502, 503])(
    "the answer %d is given, and nothing is tried again",
    async (status) => {
      const server = await actionServer(answering(status));
      const { send } = await testOutgoing();
      expect(await send(server.origin)).toEqual({ status });
      expect(server.received).toHaveLength(1);
    },
  );

  test("an answer without an end, or of any size, is an answer", async () => {
    const server = await actionServer((response) => {
      response.writeHead(200).write("x");
    });
    const { send } = await testOutgoing({ limits: { timeoutMs: 300 } });
    expect(await send(server.origin)).toEqual({ status: 200 });
    const closed = Promise.withResolvers<void>();
    server.answer = (response) => {
      response.on("close", closed.resolve).writeHead(200);
      const more = () => {
        while (response.write("x".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    };
    const { send: sendLong } = await testOutgoing();
    expect(await sendLong(server.origin)).toEqual({ status: 200 });
    await closed.promise;
  });

  test("looks up its host once and goes to the address that was checked", async () => {
    const server = await actionServer();
    let asked = 0;
    const { send } = await testOutgoing({
      resolve: async () => {
        asked += 1;
        return [{ address: asked === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }];
      },
    });
    expect(await send(`http://site.test:${server.port}/`)).toEqual({ status: 201 });
    expect(asked).toBe(1);
    expect(server.received[0]?.headers.host).toBe(`site.test:${server.port}`);
  });
});

describe("policy refuses before anything leaves:", () => {
  test.each([
    ["another host", "http://other.test/", {}, "add other.test to egress.allow"],
    ["another scheme", "ftp://site.test/", {}, "neither https nor http"],
    ["credentials in the address", "http://u:p@site.test/", {}, "no credentials"],
    ["half an address", "/path", {}, "not a complete address"],
    ["an Authorization header", "http://site.test/", { Authorization: "x" }, "may not be set"],
    ["a Host header", "http://site.test/", { host: "other.test" }, "may not be set"],
    ["a key of its own", "http://site.test/", { "Idempotency-Key": "x" }, "may not be set"],
    ["a User-Agent", "http://site.test/", { "user-agent": "x" }, "may not be set"],
    ["a header in a value", "http://site.test/", { accept: "a\r\nx: y" }, "not plain visible text"],
  ])("%s", async (_name, url, headers, message) => {
    let asked = 0;
    const resolve = async () => {
      asked += 1;
      return [{ address: "127.0.0.1", family: 4 }];
    };
    const { outgoing, send } = await testOutgoing({ resolve });
    const error = await rejection(send(url, { headers }));
    expect(error).toMatchObject({ code: "egress_refused", message: expect.stringContaining(message) });
    expect(() => outgoing.prepare(url, { ...REQUEST, headers })).toThrow(message);
    expect(asked).toBe(0);
  });

  test("a body that is too large", async () => {
    const { send } = await testOutgoing();
    const error = await rejection(send("http://site.test/", { body: "ä".repeat(140_000) }));
    expect(error).toMatchObject({ code: "egress_refused" });
  });

  test.each([
    ["a private address", "127.0.0.1", []],
    ["the metadata service, whatever is allowed", "169.254.169.254", ["site.test"]],
  ])("a name that leads to %s", async (_name, address, allowPrivate) => {
    const server = await actionServer();
    const { send } = await testOutgoing({
      config: { allowPrivate },
      resolve: async () => [{ address, family: 4 }],
    });
    const error = await rejection(send(`http://site.test:${server.port}/`));
    expect(error).toMatchObject({ code: "egress_refused" });
    expect(server.connections()).toBe(0);
  });
});

describe("a failure says that nothing arrived", () => {
  test("when the connection is refused", async () => {
    const { send } = await testOutgoing();
    const error = await rejection(send(`http://127.0.0.1:${await closedPort()}/`));
    expect(error).toMatchObject({ mayHaveArrived: false });
    expect(String(error)).toContain("ECONNREFUSED");
  });

  test("when the name is not found", async () => {
    const { send } = await testOutgoing({
      resolve: () => Promise.reject(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" })),
    });
    expect(await rejection(send("http://site.test/"))).toMatchObject({ mayHaveArrived: false });
  });

  test("when connecting fails in any way: it is not looked up twice", async () => {
    let asked = 0;
    const { send } = await testOutgoing({
      resolve: () => {
        asked += 1;
        return Promise.reject(Object.assign(new Error("gone"), { code: "UND_ERR_SOCKET" }));
      },
    });
    expect(await rejection(send("http://site.test/"))).toMatchObject({ mayHaveArrived: false });
    expect(asked).toBe(1);
  });

  test("when the connection is never made: TLS with a server that does not speak it", async () => {
    const silent = await tcpServer(() => undefined);
    const { send } = await testOutgoing({ limits: { headersTimeoutMs: 100 } });
    const error = await rejection(send(`https://127.0.0.1:${silent.port}/`));
    expect(error).toMatchObject({ mayHaveArrived: false });
    const rude = await tcpServer((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
    expect(await rejection(send(`https://127.0.0.1:${rude.port}/`))).toMatchObject({ mayHaveArrived: false });
    expect([silent.count(), rude.count()]).toEqual([1, 1]);
  });

  test("when it was aborted before, and then nothing is looked up", async () => {
    const server = await actionServer();
    const { send } = await testOutgoing();
    const error = await rejection(send(server.origin, { signal: AbortSignal.abort(new Error("stop it")) }));
    expect(error).toMatchObject({ mayHaveArrived: false, message: expect.stringContaining("stop it") });
    expect(server.connections()).toBe(0);
  });

  test("when it is aborted while connecting; and nothing arrives later either", async () => {
    const server = await actionServer();
    const asked = Promise.withResolvers<void>();
    const found = Promise.withResolvers<{ address: string; family: number }[]>();
    const { send } = await testOutgoing({
      resolve: () => {
        asked.resolve();
        return found.promise;
      },
    });
    const stop = new AbortController();
    const sending = rejection(send(`http://site.test:${server.port}/`, { signal: stop.signal }));
    await asked.promise;
    stop.abort(new Error("stop it"));
    expect(await sending).toMatchObject({ mayHaveArrived: false });
    found.resolve([{ address: "127.0.0.1", family: 4 }]);
    // A request that was still on its way would arrive before this one, which is made after it.
    const { send: sendOther } = await testOutgoing();
    await sendOther(`${server.origin}/later`);
    expect(server.received.map(({ path }) => path)).toEqual(["/later"]);
  });

  test("when the host's pace makes it wait and it is aborted then", async () => {
    const server = await actionServer();
    const clock = fakeClock();
    const stop = new AbortController();
    const { send } = await testOutgoing({
      clock: {
        ...clock,
        async sleep(_ms, signal) {
          stop.abort(new Error("stop it"));
          signal?.throwIfAborted();
        },
      },
    });
    await send(server.origin);
    const error = await rejection(send(server.origin, { signal: stop.signal }));
    expect(error).toBeInstanceOf(SendFailed);
    expect(error).toMatchObject({ mayHaveArrived: false });
    expect(server.received).toHaveLength(1);
  });
});

describe("a failure says that it may have arrived", () => {
  test.each([
    ["closes the connection", (socket: Socket) => socket.end()],
    ["resets the connection", (socket: Socket) => socket.resetAndDestroy()],
    ["answers half a line", (socket: Socket) => socket.end("HTTP/1.1 20")],
    ["answers with no HTTP", (socket: Socket) => socket.end("220 mail.test ESMTP\r\n")],
    ["closes it between headers", (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\nX: y\r\n")],
  ])("when the server %s; and it is not sent again", async (_name, act) => {
    let requests = 0;
    const server = await tcpServer((socket) =>
      socket.once("data", () => {
        requests += 1;
        act(socket);
      }),
    );
    const { send } = await testOutgoing();
    expect(await rejection(send(`http://127.0.0.1:${server.port}/`))).toMatchObject({ mayHaveArrived: true });
    expect([requests, server.count()]).toEqual([1, 1]);
  });

  test("when the server closes the connection before it has read a byte; and it is not sent again", async () => {
    const server = await tcpServer((socket) => socket.destroy());
    const { send } = await testOutgoing();
    expect(await rejection(send(`http://127.0.0.1:${server.port}/`))).toMatchObject({ mayHaveArrived: true });
    expect(server.count()).toBe(1);
  });

  test("when no answer comes in time", async () => {
    const server = await actionServer(hang);
    const { send } = await testOutgoing({ limits: { timeoutMs: 300 } });
    const error = await rejection(send(server.origin));
    expect(error).toMatchObject({ mayHaveArrived: true, message: expect.stringContaining("took too long") });
    expect(server.received).toHaveLength(1);
  });

  test("when it is aborted in flight; the server sees the connection close", async () => {
    const closed = Promise.withResolvers<void>();
    const server = await actionServer((response) => void response.on("close", closed.resolve));
    const { send } = await testOutgoing();
    const stop = new AbortController();
    const sending = rejection(send(server.origin, { signal: stop.signal }));
    await server.arrived(1);
    stop.abort(new Error("stop it"));
    const error = await sending;
    expect(error).toMatchObject({ mayHaveArrived: true, message: expect.stringContaining("stop it") });
    await closed.promise;
  });

  test("when the agent is closed in flight", async () => {
    const server = await actionServer(hang);
    const { outgoing, send } = await testOutgoing();
    const sending = rejection(send(server.origin));
    await server.arrived(1);
    await outgoing.close();
    expect(await sending).toMatchObject({ mayHaveArrived: true });
  });

  test("and names host and reason, but no path", async () => {
    const server = await actionServer((response) => void response.destroy());
    const { send } = await testOutgoing();
    const error = await rejection(send(`${server.origin}/secret/path?key=1`));
    expect(String(error)).toContain(`127.0.0.1:${server.port}`);
    expect(String(error)).not.toContain("secret");
  });
});

describe("the host's pace", () => {
  test("is the one of fetching: a slot is waited for", async () => {
    const server = await actionServer();
    const { send, clock } = await testOutgoing({ config: { requestsPerMinute: 6 } });
    await send(server.origin);
    await send(server.origin);
    expect(clock.slept).toEqual([10_000]);
  });

  test("a host that asks not to be called is not, and nothing is sent", async () => {
    const server = await actionServer(answering(429, { "retry-after": "600" }));
    const { send } = await testOutgoing();
    expect(await send(server.origin)).toEqual({ status: 429 });
    const error = await rejection(send(server.origin));
    expect(error).toMatchObject({ code: "egress_failed", retry: { afterMs: expect.any(Number) } });
    expect(error).not.toBeInstanceOf(SendFailed);
    expect(server.received).toHaveLength(1);
  });
});

describe("jobs cannot reach it:", () => {
  test("the egress that is theirs can only read", async () => {
    const { egress } = await testEgress();
    expect(Object.keys(egress).sort()).toEqual(["close", "fetch", "openMailbox"]);
  });

  test("only agent.ts imports what sends", () => {
    const sources = readSources(fileURLToPath(new URL("../../src", import.meta.url)));
    const importers = (file: string) =>
      sources.filter(({ imports }) => imports.some(({ target }) => target === file)).map(({ path }) => path);
    expect(importers("egress/send.ts")).toEqual(["agent.ts"]);
    // The phone speaks with its owner's service alone.
    const mayAsk = /^(egress|gateway|http|providers|simulate|runner\/remote)\//;
    expect(importers("http/once.ts").filter((path) => !mayAsk.test(path))).toEqual([]);
    expect(importers("http/pool.ts").filter((path) => !path.startsWith("gateway/"))).toEqual([]);
    expect(importers("egress/transport.ts").filter((path) => !path.startsWith("egress/"))).toEqual([]);
  });
});
