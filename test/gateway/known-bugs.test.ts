// @module-tag slow
import { copyFileSync, renameSync, unlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CALL_ROUTES } from "../../src/gateway/routes.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { setKill } from "../../src/rails/kill.ts";
import { PRICES } from "../providers/chain-config.ts";
import { alerts, besides } from "../support/rails.ts";
import { entriesOf, KEY, openTestGateway, TURNS, type TurnName, testGateway, turn } from "./gateway-on.ts";

/*
 * Faults that gateways before this one had in public, each as what would have shown it. What is not here stands beside the part
 * that it is about: figures and prices in protocols/, keys in keys.test.ts, cut streams in cut-streams.test.ts.
 */

const PRICED: TurnName[] = ["chat", "responses", "completions", "messages"];
const DAY_MS = 86_400_000;
const CLAUDE_CODE = {
  "user-agent": "claude-cli/2.1.332 (external, sdk-cli)",
  "anthropic-version": "2023-06-01",
};

describe("the sum that is spent", () => {
  it("is on disk alone: a gateway that begins anew refuses what the one before it would have", async () => {
    const { rails, models, gateway, opened, url, servers } = await testGateway({
      budget: { day_micros: 5_000 },
    });
    servers.openai.otherwise({ type: "missingUsage" });
    await (await turn(url, "chat")).text();
    await opened.close();
    const person = await besides(rails);
    const again = await openTestGateway(person, { gateway, models });
    expect((await turn(again.url, "chat", { seed: 2 })).status).toBe(402);
    expect(servers.openai.requests).toHaveLength(1);
  });

  it("is one for two gateways on one state, whoever asks first", async () => {
    const { rails, models, gateway, url, servers } = await testGateway({ budget: { day_micros: 41_500 } });
    servers.openai.otherwise({ type: "missingUsage" });
    const other = await openTestGateway(await besides(rails), { gateway, models });
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async (_, seed) => {
        const reply = await turn(seed % 2 === 0 ? url : other.url, "chat", { seed });
        await reply.text();
        return reply.status;
      }),
    );
    expect(servers.openai.requests).toHaveLength(10);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  it("is in the books before the provider has read the request, with no step in between", async () => {
    const { rails, url, servers } = await testGateway();
    const other = await besides(rails);
    const seen: string[] = [];
    servers.openai.otherwise(async () => {
      seen.push(...(await entriesOf(other)).map(({ state }) => state));
      return { type: "reply" };
    });
    await (await turn(url, "chat")).text();
    expect(seen).toEqual(["sending"]);
  });

  it("has room again in the next period, and only then", async () => {
    const { rails, url, servers } = await testGateway({ budget: { day_micros: 5_000, hour_micros: 5_000 } });
    servers.openai.otherwise({ type: "missingUsage" });
    await (await turn(url, "chat")).text();
    rails.clock.advance(3_600_000);
    expect((await turn(url, "chat", { seed: 2 })).status).toBe(402);
    rails.clock.advance(DAY_MS);
    expect((await turn(url, "chat", { seed: 3 })).status).toBe(200);
  });
});

describe("a call that has no bound", () => {
  it.each<[string, TurnName, object]>([
    ["a model without a price", "chat", { model: "openai/unpriced" }],
    ["a model without a price", "messages", { model: "anthropic/unpriced" }],
    ["a tool of a type that is not known", "responses", { tools: [{ type: "teleport" }] }],
    ["a tool of a type that is not known", "messages", { tools: [{ type: "teleport_20260101", name: "x" }] }],
    ["audio", "chat", { modalities: ["text", "audio"], audio: { voice: "alloy", format: "wav" } }],
    ["work in the background", "responses", { background: true }],
  ])("%s is refused, and reaches nobody: %s", async (_, name, more) => {
    const { rails, models, gateway, servers } = await testGateway();
    // A local server would be asked for any name.
    const { ollama: _local, ...providers } = models.providers;
    const { url } = await openTestGateway(rails, { gateway, models: { ...models, providers } });
    const { status } = await turn(url, name, more);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(servers[TURNS[name].server].requests).toEqual([]);
    expect(await entriesOf(rails)).toEqual([]);
  });

  it.each(PRICED)("is bounded by a limit that is put in where the client gave none: %s", async (name) => {
    const { rails, url, servers } = await testGateway({ gateway: { maxOutputTokens: 700 } });
    const { max_tokens: _, ...body } = { max_tokens: 0, ...TURNS[name].body };
    await fetch(url + TURNS[name].path, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: "test", ...body }),
    });
    const sent = servers[TURNS[name].server].requests[0]?.json ?? {};
    expect(
      Object.entries(sent).filter(([key, value]) => /^max_.*tokens$/.test(key) && value === 700),
    ).toHaveLength(1);
    const price = PRICES[TURNS[name].server === "anthropic" ? "anthropic/test" : "openai/test"];
    expect((await entriesOf(rails))[0]?.estimate_micros).toBeGreaterThanOrEqual(700 * price.output);
  });
});

describe("every way in which a call ends", () => {
  it.each(PRICED)("leaves nothing reserved, and counters that agree with the ledger: %s", async (name) => {
    const { rails, url, servers } = await testGateway({ gateway: { timeoutMs: 2_000 } });
    const ends = [
      { type: "reply" },
      { type: "error", status: 400 },
      { type: "error", status: 429 },
      { type: "error", status: 500 },
      { type: "reset" },
      { type: "hang" },
      { type: "malformed" },
      { type: "html", status: 502 },
      { type: "missingUsage" },
      { type: "truncated", pieces: 1 },
      { type: "errorUnder200" },
    ] as const;
    servers[TURNS[name].server].script([...ends, ...ends]);
    for (const stream of [false, true])
      for (const at of ends.keys()) {
        await turn(url, name, { stream, seed: at })
          .then((reply) => reply.text())
          .catch(() => "");
        await expect.poll(async () => (await entriesOf(rails)).at(-1)?.state).not.toBe("sending");
        await rails.store.db.deleteFrom("breakers").execute();
      }
    const states = (await entriesOf(rails)).map(({ state }) => state);
    expect(states).toHaveLength(2 * ends.length);
    expect(states.filter((state) => state === "sending" || state === "reserved")).toEqual([]);
    expect(await countersAgree(rails.store.db)).toEqual([]);
    const unknown = (await entriesOf(rails)).filter(({ state }) => state === "unknown");
    const windows = await rails.store.db
      .selectFrom("budget_windows")
      .select("window")
      .where("scope", "=", "agent")
      .execute();
    expect(windows.length).toBeGreaterThan(0);
    expect(unknown.length).toBeGreaterThan(0);
  });

  it.each(PRICED)("books a whole answer although nobody was left to take it: %s", async (name) => {
    const { rails, url, servers } = await testGateway();
    const server = servers[TURNS[name].server];
    const { promise, resolve } = Promise.withResolvers<void>();
    server.script([{ type: "slow", gate: () => promise, usage: { outputTokens: 77 } }]);
    const abort = new AbortController();
    const left = turn(url, name, { stream: false }, {}, abort.signal).catch(() => null);
    await server.request(1);
    abort.abort();
    await left;
    await new Promise((wait) => setTimeout(wait, 50));
    resolve();
    await expect
      .poll(async () => (await entriesOf(rails))[0])
      .toMatchObject({ state: "settled", output_tokens: 77 });
  });

  it.each(PRICED)(
    "is an error where a model with a price says that much came out for nothing: %s",
    async (name) => {
      const { rails, url, servers } = await testGateway();
      const zeros = {
        prompt_tokens: 0,
        completion_tokens: 0,
        total_tokens: 0,
        input_tokens: 0,
        output_tokens: 0,
      };
      servers[TURNS[name].server].otherwise({
        type: "reply",
        text: "word ".repeat(50),
        figures: zeros,
        earlierFigures: zeros,
      });
      for (const stream of [false, true]) {
        await (await turn(url, name, { stream })).text();
        await expect.poll(async () => (await entriesOf(rails)).at(-1)?.state).not.toBe("sending");
      }
      for (const { state } of await entriesOf(rails)) expect(state).toBe("unknown");
    },
  );
});

describe("a cap of 0", () => {
  it.each(CALL_ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
    "lets nothing through: %s",
    async (_, { method, path }) => {
      const { url, servers } = await testGateway({ budget: { day_micros: 0 } });
      const body = {
        model: "test",
        name: "test",
        max_tokens: 5,
        prompt: "hi",
        input: "hi",
        messages: [{ role: "user", content: "hi" }],
      };
      const reply = await fetch(url + path.replace("*", "test"), {
        method,
        headers: { authorization: `Bearer ${KEY}` },
        ...(method === "POST" && { body: JSON.stringify(body) }),
      });
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(Object.values(servers).flatMap(({ requests, shown }) => [...requests, ...shown])).toEqual([]);
    },
  );

  it("is one also for a client, in each of its windows", async () => {
    for (const window of ["hour_micros", "day_micros", "week_micros", "month_micros"]) {
      const owners = { job: {}, client: { laptop: { [window]: 0 } } };
      const { url, servers } = await testGateway({ budget: { owners } });
      expect((await turn(url, "chat")).status, window).toBe(402);
      expect(servers.openai.requests).toEqual([]);
    }
  });

  it("that is reached by very many requests is told once", async () => {
    const { rails, url } = await testGateway({ budget: { day_micros: 0 } });
    const replies = Array.from({ length: 300 }, (_, seed) => turn(url, "chat", { seed }));
    for (const reply of await Promise.all(replies)) expect(reply.status).toBe(402);
    expect(await alerts(rails, "cap_hit")).toHaveLength(1);
  });
});

describe("a credential", () => {
  it("of afk at a provider opens nothing here", async () => {
    const { url, servers } = await testGateway();
    for (const headers of [
      { authorization: "Bearer sk-test" },
      { authorization: "", "x-api-key": "sk-test" },
    ])
      expect((await turn(url, "chat", {}, headers as Record<string, string>)).status).toBe(401);
    expect(servers.openai.requests).toEqual([]);
  });

  it("of a client for afk is told to no provider that takes the client's own", async () => {
    const base = await testGateway();
    const { rails, models, gateway, servers } = base;
    const providers = {
      ...models.providers,
      anthropic: { ...models.providers.anthropic!, apiKey: null, auth: "client" as const },
    };
    const { url } = await openTestGateway(rails, { gateway, models: { ...models, providers } });
    const own = { authorization: "Bearer sk-of-the-client" };
    expect((await turn(`${url}/k/${KEY}`, "messages", {}, own)).status).toBe(200);
    expect(servers.anthropic.requests[0]?.headers).toMatchObject(own);
    // Beside it in a header of its own, it is taken out; alone there is nothing to go on with.
    expect((await turn(url, "messages", { seed: 2 }, { ...own, "x-api-key": KEY })).status).toBe(200);
    expect((await turn(url, "messages", { seed: 3 })).status).toBe(401);
    const sent = JSON.stringify(servers.anthropic.requests.map(({ headers, path }) => [headers, path]));
    expect(sent).not.toContain(KEY);
    expect(servers.anthropic.requests).toHaveLength(2);
  });
});

describe("another model that may answer", () => {
  it("passes every gate too: it is refused where the cap has no room for it", async () => {
    const { rails, url, servers } = await testGateway({
      budget: { day_micros: 4_500 },
      models: {
        chain: ["openai/test", "openai/dear"],
        prices: { ...PRICES, "openai/dear": { input: 100, output: 400 } },
      },
    });
    await rails.store.db
      .insertInto("breakers")
      .values({
        name: "model:openai/test",
        state: "open",
        failures: 5,
        until: rails.clock.nowMs() + 60_000,
        cooldown_ms: 60_000,
        probe: null,
        reason: "x",
        updated_at: rails.clock.nowMs(),
      })
      .execute();
    expect((await turn(url, "chat")).status).toBe(503);
    expect(servers.openai.requests).toEqual([]);
  });

  it("is left out where it cannot take the request; the client is told of the first", async () => {
    const { url, servers } = await testGateway({
      budget: { day_micros: 100 },
      models: { onCap: "fallback", chain: ["anthropic/test", "ollama/small"] },
    });
    const content = [{ type: "document", source: { type: "url", url: "https://example.org/a.pdf" } }];
    const reply = await turn(url, "messages", { messages: [{ role: "user", content }] });
    expect([402, 403]).toContain(reply.status);
    expect(servers.ollama.requests).toEqual([]);
  });
});

describe("the kill switch", () => {
  it("ends twenty streams at a time, and none begins after it", async () => {
    const { rails, url, servers } = await testGateway({ budget: { day_micros: 100_000_000 } });
    servers.openai.otherwise({ type: "slow", text: "word ".repeat(1_000), everyMs: 20 });
    const open = Array.from({ length: 20 }, (_, seed) => turn(url, "chat", { stream: true, seed }));
    const replies = await Promise.all(open);
    const person = await besides(rails);
    await person.store.atomically((trx) =>
      setKill(trx, person.outbox.announce, "enough", person.clock.nowMs()),
    );
    // Agents start others for those that ended.
    const later = await Promise.all(
      Array.from({ length: 20 }, (_, seed) => turn(url, "chat", { stream: true, seed: 100 + seed })),
    );
    for (const reply of later) expect(reply.status).toBe(403);
    for (const reply of replies) expect(await reply.text()).toContain("afk resume");
    expect(servers.openai.requests).toHaveLength(20);
    expect((await entriesOf(rails)).map(({ state }) => state)).toEqual(Array(20).fill("unknown"));
  });
});

describe("a client that asks again without pause", () => {
  it.each(["chat", "responses", "messages"] as const)(
    "after each stream that broke off meets the breaker: %s",
    async (name) => {
      const { url, servers } = await testGateway({
        breaker: { sameRequestPerHour: 20, failures: 1_000 },
        budget: { day_micros: 1_000_000_000 },
      });
      const server = servers[TURNS[name].server];
      server.otherwise({ type: "cut", pieces: 3, text: "one two three four" });
      const statuses: number[] = [];
      for (let at = 0; at < 60; at += 1) {
        const reply = await turn(url, name, { stream: true });
        statuses.push(reply.status);
        const text = await reply.text();
        if (reply.status === 200) expect(text).toMatch(/"error"|response\.failed/);
      }
      expect(server.requests).toHaveLength(20);
      expect(statuses.slice(20).every((status) => status >= 500)).toBe(true);
    },
  );
});

describe("what an agent sends as it starts", () => {
  it("is answered, and nothing of it is bought or sent on but the count of tokens", async () => {
    const { rails, url, servers } = await testGateway();
    const ask = (method: string, path: string, body?: object) =>
      fetch(url + path, {
        method,
        headers: { ...CLAUDE_CODE, authorization: `Bearer ${KEY}`, "content-type": "application/json" },
        ...(body && { body: JSON.stringify(body) }),
      });
    for (const path of ["/", "/api/hello"]) {
      expect((await fetch(url + path, { method: "HEAD" })).status).toBe(200);
      expect((await ask("HEAD", path)).status).toBe(200);
    }
    const events = await ask("POST", "/api/event_logging/batch", { events: [{ event_type: "x" }] });
    expect(events.status).toBe(200);
    expect(servers.anthropic.requests).toEqual([]);
    await ask("POST", "/v1/messages/count_tokens?beta=true", {
      model: "test",
      messages: [{ role: "user", content: "hi" }],
    });
    expect(servers.anthropic.shown.map(({ path }) => path)).toEqual(["/v1/messages/count_tokens?beta=true"]);
    const turns = await ask("POST", "/v1/messages?beta=true", {
      model: "test",
      max_tokens: 50,
      stream: true,
      messages: [{ role: "user", content: "hi" }],
    });
    expect(turns.status).toBe(200);
    await turns.text();
    const paid = (await entriesOf(rails)).filter(({ cost_micros }) => (cost_micros ?? 0) > 0);
    expect(paid).toHaveLength(1);
  });
});

describe("a client that left while it waited for room", () => {
  it.each(["finish", "abort"] as const)("buys nothing (on_disconnect: %s)", async (onDisconnect) => {
    const { rails, url, servers } = await testGateway({
      budget: { day_micros: 6_000 },
      gateway: { onDisconnect },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    servers.openai.otherwise({ type: "slow", gate: () => promise });
    const first = turn(url, "chat", { seed: 1 });
    await servers.openai.request(1);
    const abort = new AbortController();
    const second = turn(url, "chat", { seed: 2 }, {}, abort.signal).catch(() => null);
    await new Promise((wait) => setTimeout(wait, 200));
    abort.abort();
    await second;
    await new Promise((wait) => setTimeout(wait, 50));
    resolve();
    await (await first).text();
    await new Promise((wait) => setTimeout(wait, 1_500));
    expect(servers.openai.requests).toHaveLength(1);
    expect(await entriesOf(rails)).toHaveLength(1);
  });
});

describe("a retry that joins", () => {
  it("an answer that then breaks off is told so, and the next one buys anew", async () => {
    const { url, servers } = await testGateway();
    const { promise, resolve } = Promise.withResolvers<void>();
    servers.openai.script([
      {
        type: "truncated",
        pieces: 3,
        text: "one two three four",
        gate: (piece) => (piece > 1 ? promise : Promise.resolve()),
      },
    ]);
    const RETRY = { "x-stainless-retry-count": "1" };
    const first = await turn(url, "chat", { stream: true });
    const second = await turn(url, "chat", { stream: true }, RETRY);
    resolve();
    for (const reply of [first, second]) expect(await reply.text()).toMatch(/data: \{"error":/);
    expect(servers.openai.requests).toHaveLength(1);
    expect(await (await turn(url, "chat", { stream: true }, RETRY)).text()).toContain("[DONE]");
    expect(servers.openai.requests).toHaveLength(2);
  });

  it("a request that waits for room waits with it, and both get the one answer", async () => {
    const { url, servers } = await testGateway({ budget: { day_micros: 6_000 } });
    const { promise, resolve } = Promise.withResolvers<void>();
    servers.openai.otherwise({ type: "slow", gate: () => promise });
    const first = turn(url, "chat", { seed: 1 });
    await servers.openai.request(1);
    const abort = new AbortController();
    const waits = turn(url, "chat", { seed: 2 }, {}, abort.signal).catch(() => null);
    await new Promise((wait) => setTimeout(wait, 200));
    const joins = turn(url, "chat", { seed: 2 }, { "x-stainless-retry-count": "1" });
    await new Promise((wait) => setTimeout(wait, 100));
    // The first has given up; its retry has not.
    abort.abort();
    await waits;
    resolve();
    await (await first).text();
    expect((await joins).status).toBe(200);
    expect(servers.openai.requests).toHaveLength(2);
  });

  it("one that was ended as its client left buys its own answer", async () => {
    const { url, servers, rails } = await testGateway({ gateway: { onDisconnect: "abort" } });
    servers.openai.script([{ type: "hang" }]);
    const abort = new AbortController();
    const first = turn(url, "chat", {}, {}, abort.signal).catch(() => null);
    await servers.openai.request(1);
    abort.abort();
    await first;
    const again = await turn(url, "chat", {}, { "x-stainless-retry-count": "1" });
    expect(again.status).toBe(200);
    expect((await entriesOf(rails)).map(({ state }) => state).sort()).toEqual(["settled", "unknown"]);
  });
});

describe("a model's name", () => {
  it("that stands for another goes to the provider as what it stands for, in whatever key it came", async () => {
    const { url, servers } = await testGateway({ gateway: { models: { small: "ollama/qwen" } } });
    const { path, body } = TURNS.ollamaChat;
    await fetch(url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ name: "small", ...body }),
    });
    for (const { json } of servers.ollama.requests) expect(json).toMatchObject({ model: "qwen" });
    expect(servers.ollama.requests).toHaveLength(1);
  });
});

describe("a run whose signal aborts in mid-stream", () => {
  it("is told that the answer was cut, not that it was never asked for", async () => {
    const ended = new AbortController();
    const { rails, url, servers } = await testGateway({ caller: { signal: ended.signal } });
    servers.openai.script([{ type: "slow", text: "word ".repeat(1_000), everyMs: 20 }]);
    const reply = await turn(url, "chat", { stream: true });
    const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? "";
    ended.abort(new Error("the run's time is over"));
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text).toMatch(/data: \{"error":/);
    expect(text).toContain("the run's time is over");
    expect(text).not.toContain("was not made");
    expect(text).not.toContain("[DONE]");
    await expect.poll(async () => (await entriesOf(rails)).map(({ state }) => state)).toEqual(["unknown"]);
    await servers.openai.requests[0]?.closed;
  });
});

describe("a state that was put in the place of this one", () => {
  it.each(["a copy", "nothing"])(
    "is not spent from (%s): refused at once, and in mid-stream",
    async (what) => {
      const { rails, url, servers } = await testGateway();
      await (await turn(url, "chat")).text();
      servers.openai.otherwise({ type: "slow", text: "word ".repeat(1_000), everyMs: 20 });
      const reply = await turn(url, "chat", { stream: true });
      if (what === "a copy") {
        copyFileSync(rails.path, `${rails.path}.older`);
        renameSync(`${rails.path}.older`, rails.path);
      } else unlinkSync(rails.path);
      const refused = await turn(url, "chat", { seed: 2 });
      expect(refused.status).toBe(403);
      expect(await refused.text()).toMatch(/moved or deleted|another file is in the place/);
      expect(await reply.text()).toMatch(/moved or deleted|another file is in the place/);
      expect(servers.openai.requests).toHaveLength(2);
    },
  );
});
