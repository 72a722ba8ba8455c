import { writeFileSync } from "node:fs";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { stopByRow } from "../../src/ops/stop.ts";
import { guard } from "../../src/rails/guard.ts";
import { clearKill } from "../../src/rails/kill.ts";
import { reconcile } from "../../src/rails/reconcile.ts";
import { acquireLock } from "../../src/store/sqlite/lock.ts";
import { ended, guardedCall, RELEASED, reserved, sent, spend, thrown, UNKNOWN } from "../support/rails.ts";
import { opsHarness } from "./harness.ts";

const NOTHING = {
  ...{ scope: "agent", unit: "usd", settled: 0, reserved: 0 },
  ...{ settledUsd: 0, reservedUsd: 0 },
};

describe("the status of an agent that has done nothing yet", () => {
  test("has every part, and says that there is nothing", async () => {
    const { status } = await opsHarness({
      agent: "morning-digest",
      budget: { daily_cap_usd: 1, monthly_cap_usd: 20 },
    });
    expect(await status()).toEqual({
      agent: "morning-digest",
      version: "1.2.3",
      verdict: "new",
      findings: [],
      killed: null,
      machines: [],
      spend: [
        { window: "hour", period: "2026-11-21T10:00", cap: null, capUsd: null, ...NOTHING },
        { window: "day", period: "2026-11-21", cap: 1, capUsd: 1, ...NOTHING },
        { window: "month", period: "2026-11", cap: 20, capUsd: 20, ...NOTHING },
      ],
      unknown: { calls: 0, usd: 0 },
      breakers: [],
      queue: { ready: 0, running: 0, done: 0, dead: 0 },
      alerts: { pending: 0, failed: 0 },
      deliveries: { pending: 0, dead: 0 },
      drafts: { pending: 0, unknown: 0 },
      outputs: { pending: 0 },
      paused: [],
      questions: [],
      grants: [],
      waiting: null,
      refusals: [],
      sources: { failing: 0 },
      lastTick: null,
      ticks: [],
      heartbeat: { at: null, isLate: false, how: null, problem: null },
      worker: { state: "none", pid: null },
      nextDueAt: null,
      gateway: null,
      remote: [],
      clock: null,
    });
  });

  test("is JSON that says the same", async () => {
    const { status } = await opsHarness();
    const current = await status();
    expect(JSON.parse(JSON.stringify(current))).toEqual(current);
  });
});

describe("spend", () => {
  const windows = async (harness: Awaited<ReturnType<typeof opsHarness>>) =>
    Object.fromEntries(
      (await harness.status()).spend.map((each) => [each.window, [each.settledUsd, each.reservedUsd]]),
    );

  test("tells what is settled, and what is reserved or unknown, in every window", async () => {
    const harness = await opsHarness();
    await spend(harness.rails, 250_000);
    await reserved(harness.rails, 100_000);
    const unknown = await sent(harness.rails, 50_000);
    await ended(harness.rails, unknown, UNKNOWN);
    await ended(harness.rails, await reserved(harness.rails, 400_000), RELEASED);
    const expected = [0.25, 0.15];
    expect(await windows(harness)).toEqual({ hour: expected, day: expected, month: expected });
    expect((await harness.status()).unknown).toEqual({ calls: 1, usd: 0.05 });
  });

  test("takes from a person what an unknown call cost", async () => {
    const harness = await opsHarness();
    const unknown = await sent(harness.rails, 50_000);
    await ended(harness.rails, unknown, UNKNOWN);
    await reconcile(harness.rails, unknown, 10_000);
    expect((await windows(harness)).day).toEqual([0.01, 0]);
    expect((await harness.status()).unknown).toEqual({ calls: 0, usd: 0 });
  });

  test("forgets the hour after an hour, the day at midnight, and the month at its end", async () => {
    const harness = await opsHarness();
    await spend(harness.rails, 250_000);
    harness.rails.clock.advance(62 * 60_000);
    expect(await windows(harness)).toEqual({ hour: [0, 0], day: [0.25, 0], month: [0.25, 0] });
    harness.rails.clock.advance(13 * 3_600_000);
    expect(await windows(harness)).toEqual({ hour: [0, 0], day: [0, 0], month: [0.25, 0] });
    harness.rails.clock.advance(10 * 86_400_000);
    expect(await windows(harness)).toEqual({ hour: [0, 0], day: [0, 0], month: [0, 0] });
  });

  test("is told of the day in the agent's own time zone", async () => {
    const { rails, status } = await opsHarness({ timezone: "Pacific/Kiritimati" });
    await spend(rails, 250_000);
    expect((await status()).spend.find(({ window }) => window === "day")).toMatchObject({
      period: "2026-11-22",
      settledUsd: 0.25,
    });
  });

  test("does not go back to an earlier day when the clock is set back", async () => {
    const { rails, status } = await opsHarness();
    await spend(rails, 250_000);
    rails.clock.jump(-86_400_000);
    expect((await status()).spend.find(({ window }) => window === "day")).toMatchObject({
      period: "2026-11-21",
      settledUsd: 0.25,
    });
  });
});

describe("the kill switch", () => {
  test("is told of with who set it, when and why, until it is cleared", async () => {
    const { rails, status } = await opsHarness();
    await stopByRow(rails, "looks wrong", rails.clock);
    expect((await status()).killed).toEqual({
      by: "row",
      at: "2026-11-21T10:00:00.000Z",
      reason: "looks wrong",
    });
    await rails.store.atomically((trx) => clearKill(trx, rails.stopFile));
    expect((await status()).killed).toBeNull();
  });

  test("is told of when it is a file", async () => {
    const { rails, status } = await opsHarness();
    writeFileSync(rails.stopFile, "");
    expect((await status()).killed).toMatchObject({
      by: "file",
      reason: expect.stringContaining(rails.stopFile),
    });
  });
});

test("breakers are told of with their failures, and when open with the end and the reason", async () => {
  const { rails, status } = await opsHarness();
  const failing = (dependency: string) =>
    thrown(
      guard(
        rails,
        guardedCall(rails, {
          dependency,
          perform: async () => {
            throw new Error("connection reset");
          },
        }),
      ),
    );
  await failing("model:b");
  for (let time = 0; time < rails.breaker.failures; time++) await failing("model:a");
  expect((await status()).breakers).toEqual([
    {
      name: "model:a",
      state: "open",
      failures: 0,
      until: new Date(rails.clock.nowMs() + rails.breaker.cooldownMs).toISOString(),
      reason: "connection reset",
    },
    { name: "model:b", state: "closed", failures: 1, until: null, reason: null },
  ]);
});

test("the queue counts jobs by state, and as dead only those that wait for a person", async () => {
  const { job, status, rails } = await opsHarness();
  await job("ready-1", "ready");
  await job("ready-2", "ready");
  await job("running", "running");
  await job("done", "done");
  await job("dropped", "dead");
  const letter = {
    name: "digest",
    kind: "digest",
    payload: "null",
    error: "x",
    cause: "x",
    attempts: 1,
    trace: "{}",
    died_at: 1,
  };
  await rails.store.db
    .insertInto("dead_letters")
    .values({ ...letter, key: "waiting", job_id: await job("waiting", "dead") })
    .execute();
  expect((await status()).queue).toEqual({ ready: 2, running: 1, done: 1, dead: 1 });
});

test("alerts that wait and that could not be sent are counted, and sent ones are not", async () => {
  const { rails, status } = await opsHarness();
  for (const [number, state] of (["pending", "pending", "failed", "sent"] as const).entries()) {
    const id = `alert-${number}`;
    const { db } = rails.store;
    await db
      .insertInto("alerts")
      .values({ id, key: id, event: "cap_hit", severity: "warn", payload: "{}", created_at: 1 })
      .execute();
    await db
      .insertInto("alert_deliveries")
      .values({ alert_id: id, channel: "ntfy:1", state, attempts: 1, next_at: 1, error: null, updated_at: 1 })
      .execute();
  }
  expect((await status()).alerts).toEqual({ pending: 2, failed: 1 });
});

test("drafts that wait and drafts that may have been done are counted, and decided ones are not", async () => {
  const { rails, job, status } = await opsHarness();
  const job_id = await job("digest@1", "done");
  const draft = { job_id, action: "send", content: "null", created_at: 1, error: null };
  const untried = { ...draft, attempted_at: null, decided_at: null, summary: null };
  const tried = { ...untried, attempted_at: 2 };
  await rails.store.db
    .insertInto("drafts")
    .values([
      { ...untried, id: "1", name: "1", state: "pending" },
      { ...tried, id: "2", name: "2", state: "approving" },
      { ...tried, id: "3", name: "3", state: "unknown" },
      { ...untried, id: "4", name: "4", state: "rejected", decided_at: 3 },
      { ...tried, id: "5", name: "5", state: "done", decided_at: 3, summary: "sent" },
    ])
    .execute();
  expect((await status()).drafts).toEqual({ pending: 1, unknown: 2 });
});

describe("the last tick", () => {
  test("is the one that began last, with its outcome, its units and its cost in dollars", async () => {
    const { tick, status, rails } = await opsHarness();
    await tick({ outcome: "failed", reason: "x" });
    rails.clock.advance(60_000);
    const now = rails.clock.nowMs();
    await tick({
      finished_at: now + 5_000,
      outcome: "halted",
      reason: "the day cap is reached",
      units: 12,
      cost_micros: 31_250,
      next_due_at: now + 3_600_000,
    });
    const current = await status();
    expect(current.lastTick).toEqual({
      id: "tick-2",
      startedAt: "2026-11-21T10:01:00.000Z",
      finishedAt: "2026-11-21T10:01:05.000Z",
      outcome: "halted",
      reason: "the day cap is reached",
      units: 12,
      usd: 0.03125,
    });
    expect(current.nextDueAt).toBe("2026-11-21T11:01:00.000Z");
  });

  test("that is still running has no end yet", async () => {
    const { tick, status } = await opsHarness();
    await tick({ outcome: "running", finished_at: null });
    expect((await status()).lastTick).toMatchObject({ outcome: "running", finishedAt: null });
  });
});

test("the latest ticks come oldest first, and no more of them than a strip holds", async () => {
  const { tick, status, rails } = await opsHarness();
  for (let n = 0; n < 65; n++) {
    await tick({ outcome: n === 64 ? "halted" : "ok" });
    rails.clock.advance(60_000);
  }
  const { ticks, lastTick } = await status();
  expect(ticks).toHaveLength(60);
  expect(ticks[0]?.id).toBe("tick-6");
  expect(ticks.at(-1)).toEqual(lastTick);
});

test("the heartbeat is late once the next tick is overdue by more than the grace", async () => {
  const { tick, status, rails, config } = await opsHarness();
  const now = rails.clock.nowMs();
  await tick({ finished_at: now + 5_000, next_due_at: now + 60_000 });
  rails.clock.advance(60_000 + config.heartbeat.graceMs);
  expect((await status()).heartbeat).toEqual({
    at: "2026-11-21T10:00:05.000Z",
    isLate: false,
    how: null,
    problem: null,
  });
  rails.clock.advance(1);
  expect((await status()).heartbeat).toMatchObject({ isLate: true, how: "overdue" });
});

test("the heartbeat is late when ticks stop that came every five minutes, however far off the next job is", async () => {
  const { tick, status, rails, config } = await opsHarness();
  const nextDue = rails.clock.nowMs() + 86_400_000;
  for (let n = 0; n < 5; n++) {
    await tick({ next_due_at: nextDue });
    rails.clock.advance(5 * 60_000);
  }
  expect((await status()).heartbeat.isLate).toBe(false);
  rails.clock.advance(config.heartbeat.graceMs + 1);
  expect((await status()).heartbeat.how).toBe("overdue");
});

test("a tick whose process is gone is late, and one whose process holds the state is not", async () => {
  const { tick, status, rails, config } = await opsHarness();
  await tick({ outcome: "running", finished_at: null });
  rails.clock.advance(5 * 60_000 + config.heartbeat.graceMs + 1);
  expect((await status()).heartbeat.how).toBe("died");
  const lock = acquireLock(config.paths.lock);
  expect((await status()).heartbeat.how).toBe(null);
  rails.clock.advance(2 * 3_600_000);
  expect((await status()).heartbeat.how).toBe("hanging");
  lock.release();
});

test("an agent that is stopped is silent on purpose, and not late", async () => {
  const { tick, status, rails } = await opsHarness();
  await tick({ next_due_at: rails.clock.nowMs() });
  rails.clock.advance(10 * 86_400_000);
  await stopByRow(rails, "holiday", rails.clock);
  expect((await status()).heartbeat).toMatchObject({ isLate: false, how: null });
});

test("a hundred thousand jobs and calls cost no more than a few", async () => {
  const [small, large] = [await opsHarness(), await opsHarness()];
  const fill = async ({ rails }: typeof small, count: number) => {
    const { db } = rails.store;
    await sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
      insert into jobs (id, key, name, kind, payload, state, attempts, max_attempts, run_at, token, units, by_hand, slot_at, label, created_at, updated_at)
      select 'j' || i, 'digest@' || i, 'digest', 'digest', 'null', 'done', 1, 5, i, 1, 1, 0, i, 'x', i, i from n`.execute(
      db,
    );
    await sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
      insert into ledger (id, state, model, created_at, deadline_at, estimate_micros, estimate_tokens, cost_micros, cost_tokens, minute, day, week, month, degraded)
      select 'c' || i, 'settled', 'm', i, i, 2, 0, 1, 0, '2026-11-20T10:00', '2026-11-20', '2026-W47', '2026-10', 0 from n`.execute(
      db,
    );
  };
  await fill(small, 10);
  await fill(large, 100_000);
  const took = async ({ status }: typeof small) => {
    const began = process.hrtime.bigint();
    for (let n = 0; n < 3; n++) await status();
    return Number(process.hrtime.bigint() - began);
  };
  await took(small);
  expect(await large.status()).toMatchObject({ queue: { done: 100_000 } });
  // Rounds of both in turns, each round by itself: what else the machine does for a while falls on both of a round.
  const ratios: number[] = [];
  for (let round = 0; round < 31; round++) {
    const [first, second] = round % 2 === 0 ? [small, large] : [large, small];
    const [one, other] = [await took(first), await took(second)];
    ratios.push(round % 2 === 0 ? other / one : one / other);
  }
  ratios.sort((a, b) => a - b);
  expect(ratios[15]).toBeLessThanOrEqual(1.5);
});

test("looking at the status writes nothing", async () => {
  const { rails, status } = await opsHarness();
  await spend(rails, 1_000);
  rails.clock.advance(86_400_000);
  const changes = async () =>
    (await rails.store.db.selectFrom("budget_clock").selectAll().executeTakeFirstOrThrow()).latest_at;
  const before = await changes();
  await status();
  expect(await changes()).toBe(before);
});
