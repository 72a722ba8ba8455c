// @module-tag slow
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { createGatewayServer } from "../../src/gateway/server.ts";
import { entriesOf, KEY, testGateway, turn } from "./gateway-on.ts";

const CHAT = JSON.stringify({ model: "test", messages: [{ role: "user", content: "hi" }] });

/** Bytes as they are, and what came back until the end or for `ms`. */
async function raw(url: string, bytes: string, ms = 2_000): Promise<string> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk.toString();
  });
  socket.on("error", () => {});
  socket.write(bytes);
  await Promise.race([once(socket, "close"), new Promise((resolve) => setTimeout(resolve, ms))]);
  socket.destroy();
  return said;
}

function post(url: string, body: Uint8Array | string, headers: Record<string, string> = {}) {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
    body: body as never,
  });
}

describe("a compressed body", () => {
  it.each([
    ["gzip", gzipSync(CHAT)],
    ["br", brotliCompressSync(CHAT)],
    ["deflate", deflateSync(CHAT)],
    ["zstd", zstdCompressSync(CHAT)],
  ])("is unpacked, judged, and sent on as plain JSON: %s", async (encoding, bytes) => {
    const { url, servers } = await testGateway({ servers: ["openai"] });
    expect((await post(url, bytes, { "content-encoding": encoding })).status).toBe(200);
    expect(servers.openai.requests[0]?.headers["content-encoding"]).toBeUndefined();
    expect(servers.openai.requests[0]?.json).toMatchObject({ model: "test" });
  });

  it.each([
    ["gzip", gzipSync(Buffer.alloc(200 * 1024 * 1024))],
    ["br", brotliCompressSync(Buffer.alloc(200 * 1024 * 1024))],
    ["zstd", zstdCompressSync(Buffer.alloc(200 * 1024 * 1024))],
  ])("that unpacks to 200 MB is refused: %s", async (encoding, bytes) => {
    const { url, servers } = await testGateway({ servers: ["openai"] });
    const before = process.memoryUsage().rss;
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => post(url, bytes, { "content-encoding": encoding })),
    );
    // As they come out they are more at a time than one client may hold.
    const statuses = replies.map(({ status }) => status);
    expect(statuses).toContain(413);
    expect(statuses.filter((status) => status !== 413 && status !== 429)).toEqual([]);
    expect(process.memoryUsage().rss - before).toBeLessThan(600 * 1024 * 1024);
    expect(servers.openai.requests).toEqual([]);
  });

  it.each(["gzip, gzip", "compress", "identity, gzip", "x"])(
    "in an encoding that is not known is refused: %s",
    async (encoding) => {
      const { url, servers } = await testGateway({ servers: ["openai"] });
      expect((await post(url, CHAT, { "content-encoding": encoding })).status).toBe(400);
      expect(servers.openai.requests).toEqual([]);
    },
  );
});

describe("a body", () => {
  it("of 100 MB is refused, and others are served meanwhile", async () => {
    const { url, servers } = await testGateway({ servers: ["openai"] });
    const large = post(url, Buffer.alloc(100 * 1024 * 1024, "x")).then(
      ({ status }) => status,
      () => "closed",
    );
    expect((await turn(url, "chat")).status).toBe(200);
    expect([413, "closed"]).toContain(await large);
    expect(servers.openai.requests).toHaveLength(1);
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["a text", '"x"'],
    ["null", "null"],
    ["nothing", ""],
    ["no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["no model", '{"messages":[]}'],
    ["a model that is no text", '{"model":7,"messages":[]}'],
    ["two models", '{"model":"test","model":"dear","messages":[]}'],
    ["two limits", '{"model":"test","max_tokens":1,"max_tokens":1000000,"messages":[]}'],
    [
      "two limits of one name in two spellings",
      '{"model":"test","max_tokens":1,"max\\u005ftokens":1000000,"messages":[]}',
    ],
    ["a key twice deep inside", '{"model":"test","messages":[{"role":"user","content":"a","content":"b"}]}'],
  ])("that is %s is refused", async (_, body) => {
    const { url, servers, rails } = await testGateway({ servers: ["openai"] });
    const reply = await post(url, body as string);
    expect(reply.status).toBe(400);
    expect(await reply.text()).toContain("afk: ");
    expect(servers.openai.requests).toEqual([]);
    expect(await entriesOf(rails)).toEqual([]);
  });
});

describe("a request that could not be read", () => {
  it.each([
    [
      "comes too slowly may be tried again",
      "POST /v1/chat/completions HTTP/1.1\r\nx-a: ",
      "408 Request Timeout",
    ],
    ["has too large a head", `GET / HTTP/1.1\r\nx-a: ${"a".repeat(40_000)}\r\n\r\n`, "431 "],
    ["is no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", "400 Bad Request"],
  ])("that %s", async (_, bytes, status) => {
    const server = createGatewayServer(null, () => undefined);
    server.headersTimeout = 500;
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    expect(await raw(`http://127.0.0.1:${port}`, bytes, 30_000)).toContain(`HTTP/1.1 ${status}`);
  });
});

describe("a request that two readers could read in two ways", () => {
  const auth = `Host: x\r\nAuthorization: Bearer ${KEY}\r\n`;
  it.each([
    [
      "a length and chunks",
      `POST /v1/chat/completions HTTP/1.1\r\n${auth}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      "two lengths",
      `POST /v1/chat/completions HTTP/1.1\r\n${auth}Content-Length: 3\r\nContent-Length: 4\r\n\r\n{}x`,
    ],
    [
      "a space before the colon",
      `POST /v1/chat/completions HTTP/1.1\r\n${auth}Content-Length : 3\r\n\r\n{}x`,
    ],
    [
      "chunked twice",
      `POST /v1/chat/completions HTTP/1.1\r\n${auth}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    ],
    [
      "a bare line feed in a header",
      `POST /v1/chat/completions HTTP/1.1\r\n${auth}X-A: b\nContent-Length: 3\r\n\r\n{}x`,
    ],
    ["huge headers", `GET /v1/models HTTP/1.1\r\n${auth}X-A: ${"b".repeat(100_000)}\r\n\r\n`],
  ])("is refused: %s", async (_, bytes) => {
    const { url, servers } = await testGateway({ servers: ["openai"] });
    expect(await raw(url, bytes)).toMatch(/^(HTTP\/1\.1 4\d\d|$)/);
    expect(servers.openai.requests).toEqual([]);
  });

  it.each([
    "/v1/chat/completions/",
    "//v1/chat/completions",
    "/v1/./chat/completions",
    "/v1/chat/../chat/completions",
    "/v1/chat%2fcompletions",
    "/V1/chat/completions",
    "/v1/chat/completions;x",
    "http://127.0.0.1/v1/chat/completions",
    "/k/",
    `/k/${KEY}`,
    `/k/${KEY}//v1/chat/completions`,
  ])("has a path that is none: %s", async (path) => {
    const { url, servers } = await testGateway({ servers: ["openai"] });
    const said = await raw(
      url,
      `POST ${path} HTTP/1.1\r\n${auth}Content-Length: ${CHAT.length}\r\nConnection: close\r\n\r\n${CHAT}`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 40[14]/);
    expect(servers.openai.requests).toEqual([]);
  });

  it("is no WebSocket: it is told to use HTTP", async () => {
    const { url } = await testGateway({ servers: ["openai"] });
    const said = await raw(
      url,
      `GET /v1/responses HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 426/);
  });

  it("offers HTTP/2 as clients in Java do: it is answered as if it had not", async () => {
    const { url, servers } = await testGateway({ servers: ["openai"] });
    const offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n";
    const said = await raw(
      url,
      `POST /v1/chat/completions HTTP/1.1\r\n${auth}${offer}Content-Length: ${CHAT.length}\r\n\r\n${CHAT}`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 200/);
    expect(servers.openai.requests[0]?.headers).not.toHaveProperty("upgrade");
    expect(servers.openai.requests[0]?.headers).not.toHaveProperty("http2-settings");
  });

  it("keeps afk's key, the client's key, cookies and addresses from the other side", async () => {
    const { url, servers } = await testGateway({ servers: ["openai"] });
    const reply = await post(url, CHAT, {
      cookie: "a=b",
      "x-forwarded-for": "10.0.0.1",
      "openai-organization": "other",
      "x-afk-session": "s",
      connection: "x-mine",
      "x-mine": "1",
      "x-kept": "2",
    }).catch(() => post(url, CHAT, { cookie: "a=b", "x-kept": "2" }));
    const headers = servers.openai.requests[0]?.headers ?? {};
    expect(headers.authorization).toBe("Bearer sk-test");
    expect(headers["x-kept"]).toBe("2");
    for (const name of ["cookie", "x-forwarded-for", "openai-organization", "x-afk-session"])
      expect(headers[name]).toBeUndefined();
    expect(JSON.stringify([...reply.headers])).not.toContain("sk-test");
    expect(JSON.stringify(headers)).not.toContain(KEY);
  });
});

describe("very many", () => {
  it("slow connections take nothing from those who ask, and the kill switch still works", async () => {
    const { url, servers, rails } = await testGateway({ servers: ["openai"] });
    const { port } = new URL(url);
    const slow = Array.from({ length: 2_000 }, () => {
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => {});
      socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n`);
      return socket;
    });
    try {
      await new Promise((resolve) => setTimeout(resolve, 500));
      servers.openai.otherwise({ type: "slow", text: "word ".repeat(1_000), everyMs: 20 });
      const reply = await turn(url, "chat", { stream: true });
      expect(reply.status).toBe(200);
      writeFileSync(rails.stopFile, "enough");
      const setAt = performance.now();
      expect(await reply.text()).toContain("afk resume");
      expect(performance.now() - setAt).toBeLessThan(3_000);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  it("requests at the cap are refused or answered within it, in bounded memory", {
    timeout: 300_000,
  }, async () => {
    const { url, servers, rails } = await testGateway({
      servers: ["openai"],
      budget: { day_micros: 50_000 },
      gateway: { replays: false },
    });
    const before = process.memoryUsage().rss;
    const statuses = new Map<number, number>();
    for (let wave = 0; wave < 5; wave += 1) {
      const replies = Array.from({ length: 2_000 }, async (_, at) => {
        const reply = await turn(url, "chat", { seed: wave * 2_000 + at });
        await reply.arrayBuffer();
        statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      });
      await Promise.all(replies);
    }
    expect([...statuses.keys()].sort()).toEqual([200, 402, 429].filter((status) => statuses.has(status)));
    const bill = servers.openai.billMicros({ input: 1, output: 4, cacheRead: 1, cacheWrite: 1.25 });
    expect(bill).toBeLessThanOrEqual(50_000);
    const books = (await entriesOf(rails)).reduce((sum, { cost_micros }) => sum + (cost_micros ?? 0), 0);
    expect(books).toBe(bill);
    expect(process.memoryUsage().rss - before).toBeLessThan(800 * 1024 * 1024);
  });
});
