// @module-tag slow
import { describe, expect, it } from "vitest";
import { setKill } from "../../../src/rails/kill.ts";
import { besides } from "../../support/rails.ts";
import { KEY, testGateway, turn } from "../gateway-on.ts";

/** The longest that a timer of 20 ms had to wait, in milliseconds, until `work` was over. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return longest;
}

describe("a body whose judgement takes long", () => {
  it("keeps nobody else waiting: marks that have to be put in order", async () => {
    const { url } = await testGateway();
    const text = `a${"\u0301\u0316".repeat(250_000)}`;
    const blockedMs = await longestBlock(() =>
      turn(url, "chat", { messages: [{ role: "user", content: text }] }),
    );
    expect(blockedMs).toBeLessThan(5_000);
  });

  it("is refused for how many values it has, before they are read", async () => {
    const { url, servers } = await testGateway();
    const messages = `[${"{},".repeat(3_000_000)}{}]`;
    let status = 0;
    const before = process.memoryUsage().rss;
    const blockedMs = await longestBlock(async () => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${KEY}` };
      const body = `{"model":"test","messages":${messages}}`;
      ({ status } = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body }));
    });
    expect(status).toBe(413);
    expect(servers.openai.requests).toEqual([]);
    expect(blockedMs).toBeLessThan(1_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  it("lets the kill switch end a stream meanwhile, many at a time", async () => {
    const { url, rails, servers } = await testGateway({
      models: { prices: { "openai/test": { input: 0.001, output: 0.001 } } },
    });
    servers.openai.script([{ type: "slow", text: "word ".repeat(5_000), everyMs: 20 }]);
    const reply = await turn(url, "chat", { stream: true });
    const text = "\u0301\u0316".repeat(1_000_000);
    const person = await besides(rails);
    const crowd = Array.from({ length: 8 }, (_, seed) =>
      turn(url, "chat", { seed, messages: [{ role: "user", content: text }] }).then((each) => each.status),
    );
    await person.store.atomically((trx) =>
      setKill(trx, person.outbox.announce, "enough", person.clock.nowMs()),
    );
    const setAt = performance.now();
    expect(await reply.text()).toContain("afk resume");
    // Eight of these bodies take longer together; this process also makes and sends them.
    expect(performance.now() - setAt).toBeLessThan(3_000);
    await Promise.all(crowd);
  });
});
