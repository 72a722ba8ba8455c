// @module-tag processes
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { readBody } from "../../src/http/body.ts";
import type { OnceReply } from "../../src/http/once.ts";
import { RequestLost } from "../../src/http/once.ts";
import { createPool, type Pool, type PooledRequest } from "../../src/http/pool.ts";
import { AfkError } from "../../src/lib/errors.ts";
import { certificate } from "../support/certificate.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

describe("a kept connection", () => {
  it("carries one request after the other, each with its body and headers as they are", async () => {
    const asked: string[] = [];
    const { url, connections } = await serve((request, response) => {
      const body: Buffer[] = [];
      request.on("data", (chunk) => body.push(chunk));
      request.on("end", () => {
        asked.push(`${request.method} ${request.url} ${request.headers["x-one"]} ${Buffer.concat(body)}`);
        response.setHeader("x-two", ["a", "b"]).setHeader("content-encoding", "gzip").end("not decoded");
      });
    });
    const pool = newPool();
    for (const text of ["first", "second"]) {
      const reply = await pool.send(url("/v1/x?y=1"), post(text, { headers: { "x-one": "1" } }), readAll);
      expect(reply).toMatchObject({ status: 200, text: "not decoded", headers: { "x-two": "a, b" } });
    }
    expect(asked).toEqual(["POST /v1/x?y=1 1 first", "POST /v1/x?y=1 1 second"]);
    expect(connections()).toBe(1);
  });

  it("is closed when a reply was not read to its end", async () => {
    const { url, connections } = await serve(
      (_request, response) => void response.end("x".repeat(1_000_000)),
    );
    const pool = newPool();
    for (let n = 0; n < 2; n++) await pool.send(url("/"), post(""), async ({ status }) => status);
    expect(connections()).toBe(2);
  });

  it("is not used once the server may close it by what it says", async () => {
    const { url, connections } = await serve((_request, response) => {
      response.setHeader("keep-alive", "timeout=1").end();
    });
    const pool = newPool();
    for (let n = 0; n < 2; n++) await pool.send(url("/"), post(""), readAll);
    expect(connections()).toBe(2);
  });

  it("that the server has closed is not used again", async () => {
    const sockets: Socket[] = [];
    const { url } = await listen((socket) => {
      sockets.push(socket);
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    });
    const pool = newPool();
    await pool.send(url("/"), post(""), readAll);
    sockets[0]!.end();
    await until(() => sockets[0]!.closed);
    await pool.send(url("/"), post(""), readAll);
    expect(sockets).toHaveLength(2);
  });

  it("that breaks under a request leaves open whether it arrived, and nothing is sent again", async () => {
    const asked: string[] = [];
    const { url, connections } = await serve((request, response) => {
      asked.push(request.url ?? "");
      if (request.url === "/2") request.socket.resetAndDestroy();
      else response.end();
    });
    const pool = newPool();
    await pool.send(url("/1"), post("{}"), readAll);
    const lost = await failureOf(pool.send(url("/2"), post("{}"), readAll));
    expect(lost).toMatchObject({ isSent: true, isTimedOut: false });
    expect([asked, connections()]).toEqual([["/1", "/2"], 1]);
  });

  it.each(["while it is free", "while the last look is made"])(
    "takes what is said to nobody %s for no answer",
    async (when) => {
      const sockets: Socket[] = [];
      const { url } = await listen((socket) => {
        sockets.push(socket);
        socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"));
      });
      const pool = newPool();
      const sayUnasked = async () => {
        sockets[0]!.write("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
        await new Promise((resolve) => setTimeout(resolve, 50));
      };
      await pool.send(url("/"), post(""), readAll);
      if (when === "while it is free") {
        await sayUnasked();
        expect(await pool.send(url("/"), post(""), readAll)).toMatchObject({ status: 200, text: "a" });
      } else {
        const unsent = pool.send(url("/"), post("", { lastLook: sayUnasked }), readAll);
        const message = "the server answered before it was asked";
        expect(await failureOf(unsent)).toMatchObject({ isSent: false, message });
      }
    },
  );
});

describe("what leaves", () => {
  it("is nothing when the last look refuses, on a new connection as on a kept one", async () => {
    const { url, bytes } = await recording();
    const pool = newPool();
    const lastLook = () => Promise.reject(new Error("killed"));
    const refused = () => failureOf(pool.send(url("/"), post("{}", { lastLook }), readAll));
    expect(await refused()).toMatchObject({ isSent: false, message: "killed" });
    expect(bytes()).toBe(0);
    await pool.send(url("/"), post("{}"), readAll);
    const before = bytes();
    expect(await refused()).toMatchObject({ isSent: false, message: "killed" });
    expect(bytes()).toBe(before);
  });

  it("is nothing before the last look is over", async () => {
    const { url, bytes } = await recording();
    const pool = newPool();
    let seen = -1;
    const lastLook = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen = bytes();
    };
    await pool.send(url("/"), post("{}", { lastLook }), readAll);
    expect(seen).toBe(0);
    expect(bytes()).toBeGreaterThan(0);
  });

  it("is nothing when the signal has aborted before, or does so during the last look", async () => {
    const { url, bytes } = await recording();
    const pool = newPool();
    const stop = new AbortController();
    const lastLook = async () => stop.abort(new AfkError("killed", "killed"));
    for (let n = 0; n < 2; n++) {
      const lost = await failureOf(
        pool.send(url("/"), post("{}", { lastLook, signal: stop.signal }), readAll),
      );
      expect(lost).toMatchObject({ isSent: false, message: "killed" });
    }
    expect(bytes()).toBe(0);
  });

  it("is nothing to a server whose certificate nobody vouches for", async () => {
    let asked = 0;
    const server = createHttpsServer(certificate(), () => {
      asked += 1;
    });
    const { url } = await started(server);
    const secure = new URL(url("/").href.replace("http:", "https:"));
    const lost = await failureOf(newPool().send(secure, post("{}"), readAll));
    expect(lost).toMatchObject({ isSent: false });
    expect(lost.message).toMatch(/certificate/);
    expect(asked).toBe(0);
  });

  it("is nothing where nobody listens", async () => {
    const { url, server } = await listen(() => undefined);
    await new Promise((resolve) => server.close(resolve));
    expect(await failureOf(newPool().send(url("/"), post("{}"), readAll))).toMatchObject({
      isSent: false,
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  it("goes to no redirect", async () => {
    const { url, connections } = await serve((_request, response) => {
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    expect(await newPool().send(url("/"), post("{}"), readAll)).toMatchObject({ status: 307 });
    expect(connections()).toBe(1);
  });
});

describe("a request ends", () => {
  it("with its signal while the reply is read, and the connection is closed at once", async () => {
    const closed = Promise.withResolvers<void>();
    const { url } = await listen((socket) => {
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"));
      socket.once("close", () => closed.resolve());
    });
    const stop = new AbortController();
    const take = async (reply: OnceReply, signal: AbortSignal) => {
      stop.abort(new AfkError("killed", "killed"));
      return await readAll(reply, signal);
    };
    const lost = await failureOf(newPool().send(url("/"), post("{}", { signal: stop.signal }), take));
    expect(lost).toMatchObject({ isSent: true, isTimedOut: false, message: "killed" });
    await closed.promise;
  });

  it("with its signal also where it waits for a connection that nobody answers", async () => {
    const stop = new AbortController();
    const { url } = await listen(() => stop.abort(new Error("killed")));
    const secure = new URL(url("/").href.replace("http:", "https:"));
    const lost = await failureOf(newPool().send(secure, post("{}", { signal: stop.signal }), readAll));
    expect(lost).toMatchObject({ isSent: false, message: "killed" });
  });

  it.each([
    ["the connection", "https:", { connectTimeoutMs: 50 }, false, ""],
    ["the headers", "http:", { headersTimeoutMs: 50 }, true, ""],
    ["the next piece of the body", "http:", { idleTimeoutMs: 50 }, true, CHUNKED],
    ["the whole of it", "http:", { timeoutMs: 50 }, true, CHUNKED],
  ])("when %s takes too long", async (_what, protocol, limits, isSent, answer) => {
    const { url } = await listen((socket) => {
      socket.once("data", () => answer !== "" && socket.write(`${answer}1\r\na\r\n`));
    });
    const to = new URL(url("/").href.replace("http:", protocol));
    expect(await failureOf(newPool().send(to, post("{}", limits), readAll))).toMatchObject({ isSent });
  });

  it("not for a reader that takes its time", async () => {
    const { url } = await serve((_request, response) => void response.end("x".repeat(10_000_000)));
    const take = async (reply: OnceReply, signal: AbortSignal) => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return await readAll(reply, signal);
    };
    const { text } = await newPool().send(url("/"), post("{}", { idleTimeoutMs: 40 }), take);
    expect(text).toHaveLength(10_000_000);
  });

  it("as broken off where the reply does", async () => {
    const { url } = await listen((socket) => {
      socket.once("data", () => socket.end(`${CHUNKED}5\r\nab`));
    });
    const lost = await failureOf(newPool().send(url("/"), post("{}"), readAll));
    expect(lost).toMatchObject({ isSent: true, isTimedOut: false });
  });

  it("when its pool is closed", async () => {
    const pool = newPool();
    const { url } = await listen((socket) => void socket.once("data", () => pool.close()));
    expect(await failureOf(pool.send(url("/"), post("{}"), readAll))).toMatchObject({ isSent: true });
  });
});

describe("a hostile server gets no further than", () => {
  it.each([
    ["headers without end", "HTTP/1.1 200 OK\r\n", "x-a: ".padEnd(5_000, "a").concat("\r\n")],
    ["informational answers without end", "", "HTTP/1.1 102 Processing\r\n\r\n"],
    ["chunk extensions that carry no body", CHUNKED, `1;${"e".repeat(10_000)}\r\na\r\n`],
    [
      "an upgrade that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
      "x".repeat(1_000),
    ],
  ])("%s", async (_what, first, again) => {
    let written = 0;
    const { url } = await listen((socket) => {
      socket.once("data", () => {
        socket.write(first);
        const more = () => {
          while (!socket.destroyed && written < 50_000_000) {
            written += again.length;
            if (!socket.write(again)) return void socket.once("drain", more);
          }
        };
        more();
      });
    });
    const lost = await failureOf(newPool().send(url("/"), post("{}", { timeoutMs: 20_000 }), readAll));
    expect(lost).toMatchObject({ isSent: true, isTimedOut: false });
    // Most of it is what the system keeps for both sides.
    expect(written).toBeLessThan(20_000_000);
  });

  it("and a body in pieces of one byte is none", async () => {
    const { url } = await listen((socket) => {
      socket.once("data", () => socket.write(`${CHUNKED}${"1\r\na\r\n".repeat(200_000)}0\r\n\r\n`));
    });
    expect((await newPool().send(url("/"), post("{}"), readAll)).text).toHaveLength(200_000);
  });
});

function newPool(): Pool {
  const pool = createPool();
  onTestFinished(() => pool.close());
  return pool;
}

function post(body: string, changes: Partial<PooledRequest> = {}): PooledRequest {
  const times = { timeoutMs: 60_000, idleTimeoutMs: 60_000 };
  const { signal } = new AbortController();
  const lastLook = async () => undefined;
  return { method: "POST", headers: {}, body: Buffer.from(body), signal, ...times, lastLook, ...changes };
}

async function readAll({ status, headers, body }: OnceReply, signal: AbortSignal) {
  const bytes = await readBody(body, { bytesMax: 20_000_000, onExcess: "fail", signal });
  return { status, headers, text: bytes.toString() };
}

async function failureOf(sent: Promise<unknown>): Promise<RequestLost> {
  const error = await sent.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RequestLost);
  return error as RequestLost;
}

/** A server that answers everything and counts the bytes it was sent. */
async function recording() {
  let bytes = 0;
  const { url } = await listen((socket) => {
    socket.on("data", (chunk) => {
      bytes += chunk.byteLength;
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
  });
  return { url, bytes: () => bytes };
}

function serve(onRequest: RequestListener) {
  return started(createHttpServer(onRequest));
}

function listen(onConnection: (socket: Socket) => void) {
  return started(createServer(onConnection));
}

/** Lets a server listen on 127.0.0.1 until the test is over, and counts its connections. */
async function started(server: Server) {
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => {
    sockets.push(socket.on("error", () => undefined));
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  const url = (path: string) => new URL(path, `http://127.0.0.1:${address.port}`);
  return { url, server, connections: () => sockets.length };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
