import fc from "fast-check";
import { sql } from "kysely";
import { expect, it } from "vitest";
import type { BudgetConfig } from "../../src/config/config.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { type LedgerEntry, markSending } from "../../src/rails/budget.ts";
import { peekBudgetNow } from "../../src/rails/budget-time.ts";
import { reconcile } from "../../src/rails/reconcile.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { ended, entries, RELEASED, settledAt, testRails, tryReserve, UNKNOWN } from "../support/rails.ts";
import { type RailsOn, railsOn } from "../support/rails-on.ts";

type Operation =
  | { do: "reserve"; micros: number; tick: string | null; job: string | null }
  | { do: "send"; pick: number }
  | { do: "release"; pick: number }
  | { do: "unknown"; pick: number }
  | { do: "settle"; pick: number; part: number }
  | { do: "reconcile"; pick: number; part: number }
  | { do: "advance"; ms: number }
  | { do: "jump"; ms: number }
  | { do: "reboot"; ms: number }
  | { do: "caps"; caps: Partial<BudgetConfig> };

const pick = fc.nat(20);
/** Of the estimate; above 1 is an overrun. */
const part = fc.constantFrom(0, 0.3, 0.999, 1, 1.7);
const cap = fc.option(fc.constantFrom(0, 300, 1_000, 2_500), { nil: null });
const minutes = (most: number) => fc.integer({ min: 1, max: most }).map((count) => count * 61_003);

const operations = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record<Operation & { do: "reserve" }>({
        do: fc.constant("reserve"),
        micros: fc.nat(600),
        tick: fc.constantFrom(null, "t1", "t2"),
        job: fc.constantFrom(null, "j1", "j2"),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("send" as const), pick }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("settle" as const), pick, part }) },
    {
      weight: 2,
      arbitrary: fc.oneof(
        fc.record({ do: fc.constant("release" as const), pick }),
        fc.record({ do: fc.constant("unknown" as const), pick }),
      ),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("reconcile" as const), pick, part }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.oneof(minutes(20), minutes(600)) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("jump" as const),
        ms: minutes(6_000).map((ms) => ms - 180_000_000),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("reboot" as const),
        ms: fc.integer({ min: -90_000_000, max: 90_000_000 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("caps" as const),
        caps: fc.record({
          dailyCapMicros: fc.constantFrom(0, 500, 2_000),
          hourlyCapMicros: cap,
          monthlyCapMicros: cap,
          jobCapMicros: cap,
          tickCapMicros: cap,
        }),
      }),
    },
  ),
  { minLength: 20, maxLength: 60, size: "max" },
);

/** What an entry takes from its windows, by the ledger alone. */
const chargeOf = (entry: LedgerEntry) =>
  entry.state === "released" ? 0 : (entry.cost_micros ?? entry.estimate_micros);

/** What each capped window holds by the ledger alone, and not by the counters that the code under test keeps. */
function spends(
  ledger: LedgerEntry[],
  nowMs: number,
  scope: { tick: string | null; job: string | null },
  caps: BudgetConfig,
) {
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Berlin" }).format(nowMs);
  const hourAgo = new Date(nowMs - 3_600_000).toISOString().slice(0, 16);
  const sum = (isIn: (entry: LedgerEntry) => boolean) =>
    ledger.filter(isIn).reduce((total, entry) => total + chargeOf(entry), 0);
  const all: [window: string, cap: number | null, spent: number][] = [
    ["tick", scope.tick === null ? null : caps.tickCapMicros, sum((entry) => entry.tick === scope.tick)],
    ["job", scope.job === null ? null : caps.jobCapMicros, sum((entry) => entry.job === scope.job)],
    ["hour", caps.hourlyCapMicros, sum((entry) => entry.minute >= hourAgo)],
    ["day", caps.dailyCapMicros, sum((entry) => entry.day === day)],
    ["month", caps.monthlyCapMicros, sum((entry) => entry.month === day.slice(0, 7))],
  ];
  return all;
}

async function act(rails: RailsOn, operation: Operation): Promise<void> {
  if (operation.do === "reserve") return await checkedReserve(rails, operation);
  if (operation.do === "advance") return rails.clock.advance(operation.ms);
  if (operation.do === "jump") return rails.clock.jump(operation.ms);
  if (operation.do === "reboot") return rails.clock.reboot(operation.ms);
  if (operation.do === "caps") {
    rails.budget = { ...rails.budget, budget: { ...rails.budget.budget, ...operation.caps } };
    return;
  }
  const ledger = await entries(rails);
  const entry = ledger[operation.pick % Math.max(1, ledger.length)];
  if (entry === undefined) return;
  switch (operation.do) {
    case "send":
      await rails.store.transaction((trx) => markSending(trx, entry.id));
      return;
    case "settle":
      await ended(rails, entry.id, settledAt(Math.ceil(operation.part * entry.estimate_micros)));
      return;
    case "release":
      await ended(rails, entry.id, RELEASED);
      return;
    case "unknown":
      await ended(rails, entry.id, UNKNOWN);
      return;
    case "reconcile":
      if (entry.state !== "unknown") return;
      await reconcile(rails, entry.id, Math.ceil(operation.part * entry.estimate_micros));
  }
}

async function checkedReserve(rails: RailsOn, call: Operation & { do: "reserve" }): Promise<void> {
  const earlierMs = await peekBudgetNow(rails.store.db, rails.clock);
  const before = spends(await entries(rails), earlierMs, call, rails.budget.budget);
  const result = await tryReserve(rails, call.micros, { scope: { tick: call.tick, job: call.job } });
  const nowMs = await peekBudgetNow(rails.store.db, rails.clock);
  expect(nowMs).toBe(earlierMs);
  const isFull = ([, most, spent]: (typeof before)[number]) =>
    most !== null && (most === 0 || spent + call.micros > most);
  const refusing = before.find(isFull);
  expect("refusal" in result ? result.refusal.window : null).toBe(refusing?.[0] ?? null);
  if ("refusal" in result) return;
  for (const [window, most, spent] of spends(await entries(rails), nowMs, call, rails.budget.budget))
    if (most !== null) expect({ window, isOver: spent > most }).toEqual({ window, isOver: false });
}

async function emptied(rails: RailsOn): Promise<void> {
  for (const table of ["ledger", "budget_windows", "budget_clock", "alerts"] as const)
    await rails.store.db.deleteFrom(table).execute();
}

it("never accepts what would go over a cap, and refuses nothing that has room, whatever calls and clocks do", async () => {
  const rails = await testRails();
  // Thousands of transactions whose durability is not the question here.
  await sql`pragma synchronous = off`.execute(rails.store.db);
  await fc.assert(
    fc.asyncProperty(operations, async (sequence) => {
      await emptied(rails);
      const agent = railsOn(rails.store, rails.dir, {
        clock: fakeClock(Date.parse("2026-11-29T20:00:00Z")),
        timezone: "Europe/Berlin",
        budget: { dailyCapMicros: 2_000, hourlyCapMicros: 1_000 },
      });
      let latestMs = 0;
      for (const operation of sequence) {
        await act(agent, operation);
        if (operation.do !== "reserve") continue;
        const nowMs = await peekBudgetNow(agent.store.db, agent.clock);
        expect(nowMs).toBeGreaterThanOrEqual(latestMs);
        latestMs = nowMs;
      }
      expect(await countersAgree(agent.store.db)).toEqual([]);
    }),
    { numRuns: 300, seed: 20_261_121 },
  );
}, 120_000);
