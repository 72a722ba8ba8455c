import { describe, expect, test } from "vitest";
import { setKill } from "../../src/rails/kill.ts";
import { ended, reserved, sent, spend, UNKNOWN } from "../support/rails.ts";
import { KEY, openTestGateway, testGateway, turn } from "./gateway-on.ts";

const LAPTOP = { scope: { tick: null, job: null, client: "laptop" } };

async function budgetAt(url: string) {
  const reply = await fetch(`${url}/afk/v1/budget`, { headers: { authorization: `Bearer ${KEY}` } });
  expect(reply.status).toBe(200);
  expect(reply.headers.get("content-type")).toMatch(/^application\/json/);
  return (await reply.json()) as {
    client: string | null;
    job: string | null;
    killed: unknown;
    remainingUsd: number | null;
    caps: Record<string, unknown>[];
    breakers: Record<string, unknown>[];
    affordable: Record<string, number | null>;
  };
}

const CAPS = {
  day_micros: 5_000_000,
  hour_micros: 2_000_000,
  owners: { job: {}, client: { laptop: { day_micros: 1_000_000, day_calls: 10, month_tokens: 50_000 } } },
};

describe("GET /afk/v1/budget", () => {
  test("says of each cap what is spent, under way, unknown and left, and when it begins anew", async () => {
    const { rails, url } = await testGateway({ budget: CAPS });
    await spend(rails, 250_000, LAPTOP);
    await reserved(rails, 100_000, LAPTOP);
    await ended(rails, await sent(rails, 50_000, LAPTOP), UNKNOWN);
    await spend(rails, 1_000_000);
    await ended(rails, await sent(rails, 30_000), UNKNOWN);

    const found = await budgetAt(url);
    expect(found).toMatchObject({ client: "laptop", killed: null, remainingUsd: 0.57, breakers: [] });
    const by = (scope: string, window: string, unit: string) =>
      found.caps.find((cap) => cap.scope === scope && cap.window === window && cap.unit === unit);
    expect(found.caps).toHaveLength(5);
    expect(by("client:laptop", "day", "usd")).toEqual({
      window: "day",
      period: "2026-11-21",
      unit: "usd",
      scope: "client:laptop",
      cap: 1,
      spent: 0.25,
      reserved: 0.1,
      unknown: 0.05,
      remaining: 0.6,
      resetsAt: "2026-11-22T00:00:00.000Z",
    });
    expect(by("client:laptop", "day", "calls")).toMatchObject({
      spent: 1,
      reserved: 1,
      unknown: 1,
      remaining: 7,
    });
    expect(by("client:laptop", "month", "tokens")).toMatchObject({ resetsAt: "2026-12-01T00:00:00.000Z" });
    expect(by("agent", "day", "usd")).toMatchObject({
      spent: 1.25,
      reserved: 0.1,
      unknown: 0.08,
      remaining: 3.57,
    });
    expect(by("agent", "hour", "usd")).toMatchObject({ remaining: 0.57, unknown: 0.08, resetsAt: null });
    expect(by("agent", "hour", "usd")?.period).toBe("2026-11-21T10:00Z");
  });

  test("prices what is affordable at the dearest step, and says none for a model that costs nothing", async () => {
    const { url } = await testGateway({
      budget: { day_micros: 1_000_000, owners: { job: {}, client: {} } },
      gateway: { models: { big: "openai/gpt-5.6-sol", mini: "openai/test", local: "ollama/qwen" } },
      models: { providers: openaiItself(), prices: { "openai/test": { input: 1, output: 4 } } } as never,
    });
    const { affordable } = await budgetAt(url);
    // $30 beyond 272,000 tokens of input, where the first step is $20.
    expect(affordable.big).toBeLessThanOrEqual(Math.floor(1_000_000 / 30));
    expect(affordable.big).toBeGreaterThan(20_000);
    expect(affordable).toMatchObject({ mini: 250_000, local: null });
  });

  test("says of a period that nobody has called in yet what it will be", async () => {
    const { rails, url } = await testGateway({ budget: CAPS });
    await spend(rails, 250_000, LAPTOP);
    rails.clock.advance(30 * 3_600_000);
    const { caps } = await budgetAt(url);
    expect(
      caps.find(({ scope, unit, window }) => scope !== "agent" && unit === "usd" && window === "day"),
    ).toMatchObject({
      period: "2026-11-22",
      spent: 0,
      resetsAt: "2026-11-23T00:00:00.000Z",
    });
  });

  test("says that it is stopped, what is refused, and that a cap of 0 affords nothing", async () => {
    const { rails, url, servers } = await testGateway({ budget: { day_micros: 0 } });
    await rails.store.atomically((trx) =>
      setKill(trx, rails.outbox.announce, "odd bill", rails.clock.nowMs()),
    );
    await rails.store.db
      .insertInto("breakers")
      .values([
        {
          name: "client:laptop",
          state: "open",
          failures: 0,
          until: rails.clock.nowMs() + 60_000,
          cooldown_ms: 60_000,
          probe: null,
          reason: "the same request 20 times in an hour",
          updated_at: rails.clock.nowMs(),
        },
        // It has failed once, and is still called.
        {
          name: "model:openai/test",
          state: "closed",
          failures: 1,
          until: null,
          cooldown_ms: 60_000,
          probe: null,
          reason: null,
          updated_at: rails.clock.nowMs(),
        },
      ])
      .execute();
    const found = await budgetAt(url);
    expect(found.killed).toMatchObject({ by: "row", reason: "odd bill" });
    expect(found.breakers).toEqual([
      {
        name: "client:laptop",
        state: "open",
        until: "2026-11-21T10:01:00.000Z",
        reason: "the same request 20 times in an hour",
      },
    ]);
    expect(new Set(Object.values(found.affordable))).toEqual(new Set([0]));
    expect(Object.values(servers).flatMap((server) => server.requests)).toEqual([]);
  });

  test("gives a run of a job the caps of that run, of its job and of its tick", async () => {
    const { rails, gateway, models } = await testGateway({
      budget: {
        day_micros: 5_000_000,
        tick_micros: 3_000_000,
        owners: { job: { digest: { job_micros: 400_000, day_micros: 900_000 } }, client: {} },
      },
    });
    const scope = { tick: "tick-1", job: "digest@1", jobName: "digest" };
    const { url } = await openTestGateway(rails, { gateway, models }, { title: "job digest", scope });
    await spend(rails, 100_000, { scope });
    await ended(rails, await sent(rails, 50_000, { scope }), UNKNOWN);
    await spend(rails, 100_000, { scope: { ...scope, job: "digest@0" } });
    const { client, job, caps, remainingUsd } = await budgetAt(url);
    const shown = caps.map(({ window, scope: whose, remaining, unknown }) => [
      window,
      whose,
      remaining,
      unknown,
    ]);
    expect({ client, job }).toEqual({ client: null, job: "digest" });
    expect(remainingUsd).toBe(0.25);
    expect(shown).toEqual([
      ["tick", "agent", 2.75, 0.05],
      ["job", "agent", 0.25, 0.05],
      ["day", "job:digest", 0.65, 0.05],
      ["day", "agent", 4.75, 0.05],
    ]);
  });

  test("costs no call and tells nobody else's key anything", async () => {
    const { rails, url } = await testGateway({ budget: CAPS });
    await budgetAt(url);
    for (const key of ["", "other"]) {
      const reply = await fetch(`${url}/afk/v1/budget`, { headers: { authorization: `Bearer ${key}` } });
      expect(reply.status).toBe(401);
      expect(await reply.text()).not.toContain("laptop");
    }
    expect((await turn(url, "chat")).status).toBe(200);
    const { caps } = await budgetAt(url);
    const calls = caps.find(({ unit }) => unit === "calls");
    expect(Number(calls?.spent) + Number(calls?.reserved)).toBe(1);
    expect(rails.logged.some(({ event }) => event === "call_failed")).toBe(false);
  });
});

function openaiItself() {
  const at = (type: string, baseUrl: string, apiKey: string | null) => ({
    type,
    baseUrl,
    apiKey,
    settings: {},
  });
  return {
    openai: at("openai", "https://api.openai.com/v1", "sk-test"),
    ollama: at("ollama", "http://127.0.0.1:1", null),
  };
}
