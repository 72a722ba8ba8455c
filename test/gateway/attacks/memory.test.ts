// @module-tag slow
import { connect } from "node:net";
import { brotliCompressSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { openGateway } from "../../../src/gateway/gateway.ts";
import { BodyRefused, createMemory } from "../../../src/gateway/receive.ts";
import { clientOn, testGateway, turn } from "../gateway-on.ts";

const MIB = 1024 * 1024;

/** A gateway that knows two clients, by their names as keys. */
async function twoClients() {
  const { rails, models, gateway } = await testGateway({
    models: { prices: { "openai/test": { input: 0.001, output: 0.001 } } },
  });
  const known = new Map(["hostile", "honest"].map((name) => [name, clientOn(rails, name)]));
  const opened = await openGateway({
    rails,
    config: () => ({ gateway, models }),
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    findCaller: async (key) => known.get(key) ?? null,
  });
  onTestFinished(() => opened.close());
  return opened.url;
}

/** A body of 32 MiB that stops just before its end. */
function hold(url: string, key: string): () => string {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk.toString();
  });
  socket.on("error", () => {});
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${32 * MIB}\r\n\r\n`,
  );
  socket.write(Buffer.alloc(31.9 * MIB, "x"));
  onTestFinished(() => void socket.destroy());
  return () => said;
}

describe("the bodies of one client in the memory for all", () => {
  it("take half of it at most, and the others' are read", async () => {
    const url = await twoClients();
    const hostile = Array.from({ length: 8 }, () => hold(url, "hostile"));
    const refused = () => hostile.filter((said) => said().includes(" 429 ")).length;
    await expect.poll(refused, { timeout: 20_000, interval: 50 }).toBe(4);
    const messages = [{ role: "user", content: "x".repeat(MIB) }];
    const reply = await turn(url, "chat", { messages }, { authorization: "Bearer honest" });
    expect(reply.status).toBe(200);
    const small = await turn(url, "chat", {}, { authorization: "Bearer hostile" });
    expect(small.status).toBe(200);
  });

  it("count while they are unpacked, of which fifty bytes may become 31 MiB", async () => {
    const url = await twoClients();
    const bomb = brotliCompressSync(Buffer.alloc(31 * MIB));
    expect(bomb.byteLength).toBeLessThan(100);
    const headers = { authorization: "Bearer hostile", "content-encoding": "br" };
    const mostBefore = process.resourceUsage().maxRSS;
    const replies = await Promise.all(
      Array.from({ length: 60 }, () =>
        fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: bomb }),
      ),
    );
    // In kibibytes. All of them together would be 1,860 MiB.
    expect(process.resourceUsage().maxRSS - mostBefore).toBeLessThan(1_000 * 1024);
    const statuses = new Set(replies.map(({ status }) => status));
    expect(statuses).toContain(429);
    expect([...statuses].filter((status) => status !== 400 && status !== 429)).toEqual([]);
    expect((await turn(url, "chat", {}, { authorization: "Bearer honest" })).status).toBe(200);
  });

  it("count no longer once they are given back", () => {
    const memory = createMemory(1_000);
    const [one, other] = [memory.for("one"), memory.for("other")];
    one.take(500, 0);
    expect(() => memory.for("one").take(1, 0)).toThrow("of this client");
    other.take(500, 0);
    expect(() => memory.for("third").take(1, 0)).toThrow(BodyRefused);
    one.giveBack();
    one.giveBack();
    expect(() => other.take(1, 0)).toThrow("of this client");
    expect(() => memory.for("third").take(501, 0)).toThrow(BodyRefused);
    memory.for("third").take(500, 0);
  });

  it("are let in while they are small, however much is held", () => {
    const memory = createMemory(1_000);
    memory.for("one").take(500, 0);
    memory.for("other").take(500, 0);
    const part = memory.for("one");
    part.take(40, 64);
    part.take(24, 64);
    expect(() => part.take(1, 64)).toThrow(BodyRefused);
    expect(part.held).toBe(64);
  });
});
