// @module-tag processes
import type { ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/lib/durations.ts";
import type { Amount, Scope } from "../../src/lib/windows.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { readBreaker } from "../../src/rails/breaker.ts";
import { guard } from "../../src/rails/guard.ts";
import { reconcile } from "../../src/rails/reconcile.ts";
import { recoverCalls } from "../../src/rails/recover.ts";
import { race, startChild } from "../support/child.ts";
import { fakeClock } from "../support/fake-clock.ts";
import {
  alerts,
  counters,
  ended,
  guardedCall,
  refusedBy,
  sent,
  settledAt,
  spend,
  testRails,
  tryReserve,
  UNKNOWN,
} from "../support/rails.ts";
import { budgetOf, type RailsOn, railsOn, type TestBudget } from "../support/rails-on.ts";
import type { Orders } from "./children.ts";
import { provider } from "./provider.ts";

const SCRIPT = fileURLToPath(new URL("children.ts", import.meta.url));
const RICH = 1_000_000_000;

function orders(rails: RailsOn, url: string, more: Pick<Orders, "caps"> & Partial<Orders>): string[] {
  const all: Orders = { calls: 1, url, estimateMicros: 10, runner: null, laterMs: 0, ...more };
  return [rails.dir, JSON.stringify(all)];
}

const reply = (response: ServerResponse) => {
  response.end("4");
  return { billMicros: 4 };
};

const capped = (rails: RailsOn, budget: TestBudget) => {
  rails.budget = { ...rails.budget, budget: budgetOf(budget) };
};

const scopeOf = (more: Partial<Scope>): { scope: Scope } => ({ scope: { tick: null, job: null, ...more } });

/** What is settled and reserved of a window together. */
async function used(rails: RailsOn, window: string, amount: Amount, scope = "agent"): Promise<number> {
  const found = Object.values(await counters(rails, window, { scope, amount }));
  return found.flatMap((text) => text.split("/")).reduce((sum, part) => sum + Number(part), 0);
}

describe("four processes with ten calls each", () => {
  it.each([
    ["calls of a day", { day_calls: 7 }, "day", "calls", 7],
    ["calls of a week", { week_calls: 5 }, "week", "calls", 5],
    ["tokens of an hour", { hour_tokens: 45 }, "hour", "tokens", 45],
    ["tokens of a week", { week_tokens: 61 }, "week", "tokens", 61],
    ["dollars of a week", { week_micros: 33 }, "week", "micros", 33],
  ] as const)("never pass a cap on %s", async (_what, cap, window, amount, most) => {
    const rails = await testRails();
    const { bill, url } = await provider(reply);
    const each = orders(rails, url, { calls: 10, estimateTokens: 20, caps: { day_micros: RICH, ...cap } });
    const outcomes = (await race(SCRIPT, Array(4).fill(each))).flat();
    expect(outcomes).toContain("cap_hit");
    const taken = { micros: bill.micros, tokens: 2 * bill.requests, calls: bill.requests }[amount];
    expect(taken).toBeLessThanOrEqual(most);
    expect(await used(rails, window, amount)).toBe(taken);
    if (amount === "calls") expect(bill.requests).toBe(most);
    expect(await countersAgree(rails.store.db)).toEqual([]);
    expect(await alerts(rails, "cap_hit")).toMatchObject([{ window }]);
  });

  it("of two jobs and two clients have a cap each, and the agent's above them", async () => {
    const rails = await testRails();
    const { bill, url } = await provider(reply);
    const owners = {
      job: { a: { day_calls: 3 }, b: { week_calls: 2 } },
      client: { laptop: { day_tokens: 24 }, phone: {} },
    };
    const caps = { day_micros: RICH, day_calls: 12, owners };
    const by = (scope: Partial<Scope>) => orders(rails, url, { calls: 10, estimateTokens: 20, caps, scope });
    const each = [{ jobName: "a" }, { jobName: "b" }, { client: "laptop" }, { client: "phone" }];
    await race(SCRIPT, each.map(by));
    expect(bill.requests).toBeLessThanOrEqual(12);
    expect(await used(rails, "day", "calls", "job:a")).toBeLessThanOrEqual(3);
    expect(await used(rails, "week", "calls", "job:b")).toBeLessThanOrEqual(2);
    expect(await used(rails, "day", "tokens", "client:laptop")).toBeLessThanOrEqual(24);
    expect(await used(rails, "day", "calls")).toBe(bill.requests);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });
});

it("a process that is killed in a call leaves its call and its tokens charged, for the week", async () => {
  const rails = await testRails({ budget: { week_calls: 1, week_tokens: 30 } });
  const come = Promise.withResolvers<void>();
  const { url } = await provider(() => {
    come.resolve();
    return { billMicros: 4 };
  });
  const caps = { day_micros: RICH, week_calls: 1, week_tokens: 30 };
  const child = await startChild(SCRIPT, orders(rails, url, { runner: "killed", estimateTokens: 20, caps }));
  const gone = child.go().catch(() => "gone");
  await come.promise;
  await child.kill();
  await gone;
  expect(await recoverCalls(rails, "next")).toEqual({ unknown: 1, released: 0 });
  expect(await refusedBy(rails, 1)).toBe("week");
  expect(await used(rails, "week", "tokens")).toBe(20);
  rails.clock.advance(2 * DAY_MS);
  expect(await refusedBy(rails, 1)).toBe(null);
});

describe("a call of unknown outcome", () => {
  it("keeps its tokens at their bound, also when a person says what it cost", async () => {
    const rails = await testRails({ budget: { day_tokens: 100 } });
    const id = await sent(rails, 10, { estimateTokens: 90 });
    await ended(rails, id, UNKNOWN);
    expect(await counters(rails, "day", { amount: "tokens" })).toEqual({ "2026-11-21": "0/90" });
    await reconcile(rails, id, 3);
    expect(await counters(rails, "day", { amount: "tokens" })).toEqual({ "2026-11-21": "90/0" });
    expect(await refusedBy(rails, 1, { estimateTokens: 11 })).toBe("day");
  });

  it("is charged its bound too where a free model gives no figures, or counts no input", async () => {
    const rails = await testRails({ budget: { day_tokens: 100 } });
    for (const inputTokens of [null, 0]) {
      const call = guardedCall(rails, {
        estimateMicros: 0,
        perform: async () => ({ costMicros: 0, inputTokens, outputTokens: inputTokens, value: "text" }),
      });
      await guard(rails, call);
    }
    expect(await used(rails, "day", "tokens")).toBe(40);
  });
});

describe("the end of a week", () => {
  it("is where the week began to be counted, however the zone is edited, and opens once", async () => {
    // A Sunday evening in UTC, which is Monday in Kiribati.
    const clock = fakeClock(Date.parse("2026-11-22T23:30:00Z"));
    const rails = await testRails({ clock, budget: { week_calls: 1 } });
    await spend(rails, 1);
    const moved = railsOn(rails.store, rails.dir, {
      clock,
      timezone: "Pacific/Kiritimati",
      budget: { week_calls: 1 },
    });
    expect(await refusedBy(moved, 1)).toBe("week");
    clock.advance(30 * 60_000 - 1);
    expect(await refusedBy(moved, 1)).toBe("week");
    clock.advance(1);
    await spend(moved, 1);
    // Back in a zone where it is still Sunday: the week that is open stays so.
    const back = railsOn(rails.store, rails.dir, {
      clock,
      timezone: "Etc/GMT+12",
      budget: { week_calls: 1 },
    });
    expect(await refusedBy(back, 1)).toBe("week");
    expect(await counters(rails, "week", { amount: "calls" })).toEqual({
      "2026-W47": "1/0",
      "2026-W48": "1/0",
    });
  });
});

describe("a cap that is lowered while calls are under way", () => {
  it.each([
    ["day_micros", { day_micros: 5 }],
    ["week_micros", { week_micros: 5 }],
    ["day_tokens", { day_tokens: 5 }],
    ["week_tokens", { week_tokens: 5 }],
    ["day_calls", { day_calls: 1 }],
    ["week_calls", { week_calls: 1 }],
  ])("refuses at once by %s, and what is under way settles", async (_what, lowered) => {
    const rails = await testRails({ budget: { day_tokens: 1_000, week_calls: 10 } });
    const id = await sent(rails, 500, { estimateTokens: 500 });
    capped(rails, { day_micros: RICH, ...lowered });
    expect(await tryReserve(rails, 1, { estimateTokens: 1 })).toHaveProperty("refusal");
    expect(await ended(rails, id, settledAt(400, 400))).toBe(true);
    expect(await tryReserve(rails, 1, { estimateTokens: 1 })).toHaveProperty("refusal");
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });
});

it.each(["hour", "day", "week", "month"] as const)(
  "a cap of 0 on the %s refuses a free call, in whichever unit it is stated",
  async (window) => {
    for (const amount of ["micros", "tokens", "calls"] as const) {
      const rails = await testRails({ budget: { [`${window}_${amount}`]: 0 } });
      expect(await refusedBy(rails, 0, { estimateTokens: 0 })).toBe(window);
    }
  },
);

it("a run of a job has the lower of the agent's cap on a run and the job's own", async () => {
  const owners = { job: { a: { job_calls: 1 }, b: { job_calls: 9 } }, client: {} };
  const rails = await testRails({ budget: { job_calls: 2, owners } });
  const calls = async (jobName: string) => {
    const call = scopeOf({ job: `${jobName}@1`, jobName });
    for (let count = 0; count < 5; count++) if ((await refusedBy(rails, 1, call)) === "job") return count;
    return null;
  };
  expect([await calls("a"), await calls("b")]).toEqual([1, 2]);
});

describe("more tokens than the bound", () => {
  const call = (rails: RailsOn) =>
    guardedCall(rails, {
      estimateMicros: 0,
      perform: async () => ({ costMicros: 0, inputTokens: 50, outputTokens: 5, value: "text" }),
    });

  it("are recorded in full, told of, and block the model where there is a cap on tokens", async () => {
    const rails = await testRails({ budget: { day_tokens: 1_000 } });
    await guard(rails, call(rails));
    expect(await used(rails, "day", "tokens")).toBe(55);
    expect(await alerts(rails, "overrun")).toMatchObject([{ message: expect.stringContaining("55 tokens") }]);
    expect(await readBreaker(rails.store.db, "model:openai/test")).toMatchObject({ state: "blocked" });
  });

  it("are only recorded where nobody caps tokens: a free model's own prompt is no fault", async () => {
    const rails = await testRails();
    await guard(rails, call(rails));
    expect(await used(rails, "day", "tokens")).toBe(55);
    expect(await alerts(rails, "overrun")).toEqual([]);
  });
});

it("tells of a threshold and of a full cap once for each unit and scope, with what it is a cap of", async () => {
  const rails = await testRails({
    budget: { day_calls: 2, owners: { job: { a: { week_tokens: 10 } }, client: {} } },
  });
  const call = { ...scopeOf({ jobName: "a" }), estimateTokens: 5 };
  await ended(rails, await sent(rails, 1, call), settledAt(1, 5));
  await ended(rails, await sent(rails, 1, call), settledAt(1, 5));
  for (let count = 0; count < 2; count++) expect(await refusedBy(rails, 1, call)).toBe("week");
  expect(await refusedBy(rails, 1)).toBe("day");
  expect((await alerts(rails, "cap_hit")).map(({ title }) => title)).toEqual([
    "The week cap in tokens of job a is reached",
    "The day cap in calls is reached",
  ]);
  expect((await alerts(rails, "cap_hit"))[0]).toMatchObject({
    window: "week",
    period: "2026-W47",
    scope: "job:a",
    unit: "tokens",
    cap: 10,
    spent: 10,
    pct: 100,
  });
  expect((await alerts(rails, "threshold_cross")).map(({ title }) => title)).toEqual([
    "50 % of the week cap in tokens of job a",
    "50 % of the day cap in calls",
    "100 % of the week cap in tokens of job a",
    "100 % of the day cap in calls",
  ]);
});
