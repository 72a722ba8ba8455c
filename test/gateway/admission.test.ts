import { describe, expect, it } from "vitest";
import { listBreakers } from "../../src/rails/breaker.ts";
import { guard } from "../../src/rails/guard.ts";
import { guardedCall } from "../support/rails.ts";
import { entriesOf, KEY, openTestGateway, testGateway, turn } from "./gateway-on.ts";

/** A `messages` turn of this many tokens of output costs at most so many micro-dollars, and its own few tokens of input. */
const OUTPUT_PRICE = 10;

async function bodyOf(reply: Response) {
  return { status: reply.status, text: await reply.text(), retry: reply.headers.get("x-should-retry") };
}

/** Holds every reply of a server until `go` is called. */
function gated() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { gate: () => promise, go: resolve };
}

describe("a request that fits only once others have settled", () => {
  it("waits for them, and is then answered", async () => {
    const { url, servers, rails } = await testGateway({ budget: { day_micros: 6_000 } });
    const { gate, go } = gated();
    servers.openai.otherwise({ type: "slow", gate });
    const first = turn(url, "chat", { seed: 1 });
    await servers.openai.request(1);
    const second = turn(url, "chat", { seed: 2 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(servers.openai.requests).toHaveLength(1);
    go();
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(200);
    expect(rails.logged.filter(({ event }) => event === "cap_hit")).toEqual([]);
  });

  it("is one of many at the same time: as many as fit reach the provider, and no more", async () => {
    const { url, servers, rails } = await testGateway({ budget: { day_micros: 41_500 } });
    const { gate, go } = gated();
    servers.openai.otherwise({ type: "slow", gate });
    const replies = Array.from({ length: 50 }, (_, seed) => turn(url, "chat", { seed }));
    await servers.openai.request(10);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(servers.openai.requests).toHaveLength(10);
    go();
    const statuses = (await Promise.all(replies)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const spent = (await entriesOf(rails)).reduce((sum, { cost_micros }) => sum + (cost_micros ?? 0), 0);
    expect(spent).toBeLessThanOrEqual(41_500);
  });
});

describe("a request that does not fit", () => {
  it("is told to Claude Code as a smaller limit that would, which then passes", async () => {
    const { url, servers } = await testGateway({ budget: { day_micros: 10_000 * OUTPUT_PRICE } });
    const agent = { "user-agent": "claude-cli/2.1.332 (external, sdk-cli)" };
    const refused = await bodyOf(await turn(url, "messages", { max_tokens: 32_000 }, agent));
    expect(refused.status).toBe(402);
    const [, asked, most] =
      /max_tokens: (\d+) > (\d+), which is the maximum allowed number of output tokens for test/.exec(
        refused.text,
      ) ?? [];
    expect(asked).toBe("32000");
    expect(Number(most)).toBeGreaterThan(9_000);
    expect(Number(most)).toBeLessThan(10_000);
    expect(servers.anthropic.requests).toEqual([]);
    expect((await turn(url, "messages", { max_tokens: Number(most) }, agent)).status).toBe(200);
  });

  it("goes to a free model of the same protocol where the owner wants that, marked as degraded", async () => {
    const { url, servers, rails } = await testGateway({
      budget: { day_micros: 100 },
      models: { onCap: "fallback", chain: ["anthropic/test", "ollama/small"] },
    });
    const reply = await turn(url, "messages");
    expect(reply.status).toBe(200);
    expect(reply.headers.get("x-afk-degraded")).toBe("ollama/small");
    expect(servers.anthropic.requests).toEqual([]);
    expect(servers.ollama.requests).toMatchObject([{ path: "/v1/messages", json: { model: "small" } }]);
    expect(await entriesOf(rails)).toMatchObject([{ model: "ollama/small", degraded: 1, state: "settled" }]);
  });
});

describe("a client's own retry", () => {
  const RETRY = { "x-stainless-retry-count": "1" };

  it.each([false, true])(
    "gets the answer that is under way and buys nothing (streamed: %s)",
    async (stream) => {
      const { url, servers, rails } = await testGateway();
      const { gate, go } = gated();
      servers.openai.otherwise({ type: "slow", gate, text: "once and only once" });
      const abort = new AbortController();
      const first = turn(url, "chat", { stream }, {}, abort.signal).catch(() => null);
      await servers.openai.request(1);
      abort.abort();
      await first;
      const again = turn(url, "chat", { stream }, RETRY);
      await new Promise((resolve) => setTimeout(resolve, 100));
      go();
      expect(await (await again).text()).toContain("once");
      const later = await turn(url, "chat", { stream }, RETRY);
      expect(later.headers.get("x-afk-replayed")).toBe("1");
      expect(await later.text()).toContain("once");
      expect(servers.openai.requests).toHaveLength(1);
      expect(await entriesOf(rails)).toHaveLength(1);
    },
  );

  it("by its own idempotency key gets the same answer; another key, another body or no retry buys another", async () => {
    const { url, servers } = await testGateway();
    const key = { "idempotency-key": "a" };
    await (await turn(url, "chat", {}, key)).text();
    await (await turn(url, "chat", {}, key)).text();
    expect(servers.openai.requests).toHaveLength(1);
    await (await turn(url, "chat", {}, { "idempotency-key": "b" })).text();
    await (await turn(url, "chat", { seed: 2 }, key)).text();
    await (await turn(url, "chat")).text();
    expect(servers.openai.requests).toHaveLength(4);
  });

  it("of a call that failed is made anew", async () => {
    const { url, servers } = await testGateway();
    servers.openai.script([{ type: "error", status: 500 }]);
    expect((await turn(url, "chat")).status).toBe(500);
    expect((await turn(url, "chat", {}, RETRY)).status).toBe(200);
    expect(servers.openai.requests).toHaveLength(2);
  });

  it("is refused when the kill switch is set, although the answer is there", async () => {
    const { url, rails } = await testGateway();
    await (await turn(url, "chat")).text();
    await rails.store.atomically((trx) =>
      trx.updateTable("kill_switch").set({ set_at: 1, reason: "x" }).execute(),
    );
    expect((await turn(url, "chat", {}, RETRY)).status).toBe(403);
  });

  it("of another client is another request", async () => {
    const { rails, models, gateway, servers, url } = await testGateway();
    await (await turn(url, "chat")).text();
    const other = await openTestGateway(
      rails,
      { gateway, models },
      { title: "client phone", scope: { tick: null, job: null, client: "phone" } },
    );
    await (await turn(other.url, "chat", {}, RETRY)).text();
    expect(servers.openai.requests).toHaveLength(2);
  });
});

describe("a client that asks the same again and again", () => {
  it("is refused by a breaker of its own; others are served", async () => {
    const { url, servers, rails, models, gateway } = await testGateway({
      breaker: { sameRequestPerHour: 5 },
    });
    const statuses: number[] = [];
    for (let at = 0; at < 8; at += 1) statuses.push((await turn(url, "chat")).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 503, 503, 503]);
    const refused = await bodyOf(await turn(url, "chat", { seed: 7 }));
    expect(refused.text).toContain("client laptop");
    expect(refused.text).toContain("the same request 5 times");
    const other = await openTestGateway(
      rails,
      { gateway, models },
      { title: "client phone", scope: { tick: null, job: null, client: "phone" } },
    );
    expect((await turn(other.url, "chat")).status).toBe(200);
    expect(servers.openai.requests).toHaveLength(6);
  });
});

describe("a client that asks in bursts", () => {
  it("is refused by a breaker of its own; clients and jobs that ask the same model are served", async () => {
    const { url, rails, models, gateway } = await testGateway({ breaker: { callsPerMinute: 5 } });
    const statuses: number[] = [];
    for (let at = 0; at < 7; at += 1) statuses.push((await turn(url, "chat", { seed: at })).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 503, 503]);
    const config = { gateway, models };
    const phone = { title: "client phone", scope: { tick: null, job: null, client: "phone" } };
    const job = { title: "job script", scope: { tick: null, job: "script#1", jobName: "script" } };
    for (const caller of [phone, job]) {
      const other = await openTestGateway(rails, config, caller);
      expect((await turn(other.url, "chat")).status).toBe(200);
    }
    const own = { model: "openai/test", dependency: "model:openai/test" };
    expect(await guard(rails, guardedCall(rails, own))).toBe("text");
    const open = (await listBreakers(rails.store.db)).filter(({ state }) => state.state !== "closed");
    expect(open.map(({ name }) => name)).toEqual(["client:laptop"]);
  });
});

describe("the budget of a client", () => {
  it("is shown to it", async () => {
    const { url } = await testGateway({ budget: { day_micros: 1_000_000 } });
    await (await turn(url, "chat")).text();
    const budget = async () => {
      const reply = await fetch(`${url}/afk/v1/budget`, { headers: { authorization: `Bearer ${KEY}` } });
      return await reply.json();
    };
    // The settlement may follow the last byte.
    await expect.poll(budget).toMatchObject({
      client: "laptop",
      job: null,
      killed: null,
      caps: [{ window: "day", unit: "usd", scope: "agent", cap: 1, reserved: 0 }],
      affordable: { test: expect.any(Number) },
    });
  });
});

describe("a model that a request names besides its own", () => {
  const fallback = { fallbacks: [{ model: "dear" }] };
  const dear = { "anthropic/dear": { input: 3, output: 12 }, "anthropic/test": { input: 2, output: 10 } };

  it("may give a reply as long as its own limit, which is no overrun", async () => {
    const { url, servers, rails } = await testGateway({ models: { prices: dear } });
    const took = { input_tokens: 10, output_tokens: 400 };
    const declined = { type: "message", model: "test", input_tokens: 10, output_tokens: 0 };
    const usage = { ...took, iterations: [declined, { type: "fallback_message", model: "dear", ...took }] };
    const body = JSON.stringify({ type: "message", model: "dear", content: [], usage });
    servers.anthropic.otherwise({ type: "raw", body });
    const reply = await turn(url, "messages", { fallbacks: [{ model: "dear", max_tokens: 500 }] });
    expect(reply.status).toBe(200);
    await expect
      .poll(() => entriesOf(rails))
      .toMatchObject([{ state: "settled", cost_micros: 10 * 3 + 400 * 12 }]);
    expect(await listBreakers(rails.store.db)).toEqual([]);
  });

  it("is refused where the client may not use it", async () => {
    const { url, servers } = await testGateway({
      models: { prices: dear },
      caller: { models: ["anthropic/test"] },
    });
    const refused = await bodyOf(await turn(url, "messages", fallback));
    expect(refused).toMatchObject({
      status: 403,
      text: expect.stringContaining("dear is not for this client"),
    });
    expect(servers.anthropic.requests).toEqual([]);
  });

  it("passes where it may", async () => {
    const { url } = await testGateway({ models: { prices: dear } });
    expect((await turn(url, "messages", fallback)).status).toBe(200);
  });
});
