import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FINDINGS } from "../../src/ops/condition/finding.ts";
import { testSite } from "./site.ts";

/** Samples by name and labels, as they are written. */
function samples(text: string): Record<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test("the metrics of a prepared database tell the truth", async () => {
  const site = await testSite();
  const { status, headers, body } = await site.ask("/metrics");
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  const found = samples(body);
  const ticks = await site.store.db
    .selectFrom("ticks")
    .select((eb) => ["outcome", eb.fn.countAll<number>().as("count")])
    .groupBy("outcome")
    .execute();
  const counts = Object.fromEntries(ticks.map((row) => [row.outcome, Number(row.count)]));
  expect(found).toMatchObject({
    'afk_build_info{version="1.2.3",agent="morning-digest"}': 1,
    afk_healthy: 1,
    afk_killed: 0,
    'afk_spend_settled_usd{window="hour"}': 0.128,
    'afk_spend_settled_usd{window="day"}': 0.415,
    'afk_spend_reserved_usd{window="day"}': 0.085,
    'afk_spend_cap_usd{window="day"}': 1,
    'afk_spend_cap_usd{window="month"}': 20,
    afk_calls_unknown: 1,
    afk_calls_unknown_usd: 0.085,
    'afk_breaker_state{breaker="host:news.example.org",state="open"}': 1,
    'afk_breaker_state{breaker="host:news.example.org",state="closed"}': 0,
    'afk_breaker_failures{breaker="model:ollama/qwen2.5:3b"}': 1,
    'afk_jobs{state="ready"}': 1,
    'afk_jobs{state="running"}': 1,
    'afk_jobs{state="done"}': 181,
    afk_dead_letters: 1,
    afk_drafts_pending: 0,
    afk_alert_deliveries_pending: 1,
    afk_alert_deliveries_failed: 1,
    'afk_ticks_total{outcome="ok"}': counts.ok,
    'afk_ticks_total{outcome="idle"}': counts.idle,
    'afk_ticks_total{outcome="halted"}': counts.halted,
    'afk_ticks_total{outcome="failed"}': counts.failed,
    'afk_ticks_total{outcome="crashed"}': 0,
    afk_last_tick_age_seconds: 1_800,
    'afk_sources{state="ok"}': 3,
    'afk_sources{state="failed"}': 1,
  });
});

test("ticks are counted on from where the last scrape ended", async () => {
  const site = await testSite({ isCalm: true });
  const idle = async () => samples((await site.ask("/metrics")).body)['afk_ticks_total{outcome="idle"}']!;
  const before = await idle();
  const row = {
    finished_at: 1,
    reason: null,
    units: 0,
    cost_micros: 0,
    by_hand: 0,
    next_due_at: null,
    version: "1",
  };
  for (let n = 100; n < 220; n++) {
    await site.store.db
      .insertInto("ticks")
      .values({ ...row, id: `02${n}`, started_at: n, outcome: "idle" })
      .execute();
    if (n % 40 === 0) expect(await idle()).toBe(before + n - 99);
  }
  expect(await idle()).toBe(before + 120);
});

test("what has no value is left out, and an agent that did nothing has metrics too", async () => {
  const site = await testSite({ isEmpty: true, sections: { budget: { daily_cap_usd: 1 } } });
  const { body } = await site.ask("/metrics");
  const found = samples(body);
  expect(found).toMatchObject({ 'afk_spend_cap_usd{window="day"}': 1, 'afk_ticks_total{outcome="ok"}': 0 });
  expect(
    Object.keys(found).filter((name) => /window="(hour|month)"/.test(name) && name.includes("cap")),
  ).toEqual([]);
  expect(body).not.toContain("afk_last_tick_age_seconds");
  expect(Object.values(found).every(Number.isFinite)).toBe(true);
});

test("hostile labels stay labels", async () => {
  const site = await testSite({ isEmpty: true });
  const name = 'x"} 1\nafk_killed 1\n\\';
  await site.store.db
    .insertInto("breakers")
    .values({
      name,
      state: "closed",
      failures: 1,
      until: null,
      cooldown_ms: 1,
      probe: null,
      reason: null,
      updated_at: 0,
    })
    .execute();
  const { body } = await site.ask("/metrics");
  expect(body.split("\n").filter((line) => line.startsWith("afk_killed"))).toEqual(["afk_killed 0"]);
});

test("docs/metrics.md lists exactly what there is", async () => {
  const site = await testSite();
  const { body } = await site.ask("/metrics");
  const there = [...body.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const text = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const documented = [...text.matchAll(/^\| `(afk_\w+)` \| (\w+) \|/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  expect(documented.sort()).toEqual(there.sort());
});

test("docs/metrics.md says of every kind of finding what it is", () => {
  const text = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const documented = [...text.matchAll(/^\| `([a-z_]+)` \| (bad|warn) \| ([a-z ]+) \| (.*) \|$/gm)];
  expect(documented.map(([, ...cells]) => cells)).toEqual(
    Object.entries(FINDINGS).map(([code, { severity, isUrgent, help }]) => [
      code,
      severity,
      isUrgent ? "somebody acts" : "time mends it",
      help,
    ]),
  );
});

test("what afk.yaml names has its samples from the first scrape", async () => {
  const site = await testSite({
    isEmpty: true,
    sections: {
      budget: { daily_cap_usd: 1, daily_cap_calls: 10 },
      gateway: { clients: [{ name: "laptop" }] },
    },
  });
  const found = samples((await site.ask("/metrics")).body);
  expect(found).toMatchObject({
    'afk_client_calls{client="laptop"}': 0,
    'afk_client_refused{client="laptop"}': 0,
    'afk_client_settled_usd{client="laptop"}': 0,
    'afk_client_reserved_usd{client="laptop"}': 0,
    'afk_model_calls{model="ollama/qwen2.5:3b"}': 0,
    'afk_model_settled_usd{model="extractive"}': 0,
    'afk_breaker_state{breaker="model:ollama/qwen2.5:3b",state="closed"}': 1,
    'afk_breaker_state{breaker="model:ollama/qwen2.5:3b",state="open"}': 0,
    'afk_breaker_failures{breaker="host:news.example.org"}': 0,
    'afk_breaker_failures{breaker="job:digest"}': 0,
    'afk_window_settled{scope="agent",window="day",unit="calls"}': 0,
    'afk_spend_settled_usd{window="month"}': 0,
    'afk_ticks_total{outcome="running"}': 0,
    'afk_condition{code="cap_refuses"}': 0,
    'afk_sources{state="failed"}': 0,
  });
  // Nothing is described that has no sample, but for times before the first tick and caps that are not there.
  const { body } = await site.ask("/metrics");
  for (const [, name] of body.matchAll(/^# TYPE (\w+) /gm))
    expect(
      Object.keys(found).some((sample) => sample.replace(/\{.*/s, "") === name),
      name,
    ).toBe(true);
});
