import { spawnSync } from "node:child_process";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import type { JobConfig } from "../../src/config/config.ts";
import { DEFAULT_RETRY } from "../../src/config/jobs.ts";
import type { Randomness } from "../../src/lib/ids.ts";
import { acceptWallClock, budgetNow } from "../../src/rails/budget-time.ts";
import type { Uses } from "../../src/runner/dependencies.ts";
import { enqueueDue } from "../../src/runner/phases/enqueue-due.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { alerts, ended, settledAt, testRails, tryReserve } from "../support/rails.ts";
import { type RailsOn, railsOn } from "../support/rails-on.ts";
import { seededRandomness } from "../support/seeded.ts";
import { missingTool } from "../support/system-tools.ts";
import { applyStep, mostWithin, randomStep, type Step, ZONES } from "./support/clock-script.ts";
import { workInMemory } from "./support/in-memory.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TOLERANCE = 5 * MINUTE;
const STEPS = 40;
const CAPS = { hour_micros: 400, day_micros: 1_000, month_micros: 9_000 };
const LIMIT = patience({ test: 300_000, chaos: 3 * HOUR });

workInMemory();

interface Purchase {
  budgetMs: number;
  uptimeMs: number;
  micros: number;
}

/** From a reboot or a confirmation by a person to the next: within it, time may pass by uptime alone. */
interface Era {
  fromMs: number;
  uptimeMs: number;
  bought: Purchase[];
  /** How far ahead the clock was, and at which budget time it was behind, when that was told of. */
  toldAheadMs: number[];
  toldBehindAt: number[];
  /** Budget time was behind the uptime, as it is while a clock is set back. It may catch up at once. */
  wasBehind: boolean;
}

it(
  "opens no window that the uptime has not earned, and says once that a clock was set, whatever the clocks do",
  async () => {
    const scripts = cases({ test: 100, chaos: 5_000 });
    const randomness = seededRandomness(chaosSeed("the clock and the budget"));
    const rails = await testRails();
    const met = { purchases: 0, refusals: 0, jumps: 0, wholeEras: 0 };
    for (let script = 0; script < scripts; script++) {
      const timezone = ZONES[script % ZONES.length]!;
      await emptied(rails);
      const start = Date.parse("2026-01-01T00:00:00Z") + Math.floor(randomness.random() * 365 * DAY);
      const agent = railsOn(rails.store, rails.dir, { clock: fakeClock(start), timezone, budget: CAPS });
      const steps: Step[] = [];
      try {
        await runScript(agent, randomness, steps, met);
      } catch (error) {
        throw new Error(`script ${script} in ${timezone}: ${JSON.stringify(steps)}`, { cause: error });
      }
    }
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(0);
    report(
      "the clock and the budget",
      scripts,
      `${met.purchases} purchases, ${met.refusals} refusals, ${met.jumps} jumps told of, ${met.wholeEras} eras checked by spans of uptime`,
    );
  },
  LIMIT,
);

async function runScript(
  rails: RailsOn,
  randomness: Randomness,
  steps: Step[],
  met: { purchases: number; refusals: number; jumps: number; wholeEras: number },
): Promise<void> {
  const { clock } = rails;
  let latestMs = await now(rails);
  const eras = [newEra(clock, latestMs)];
  for (let n = 0; n < STEPS; n++) {
    const step = randomStep(randomness);
    steps.push(step);
    const wasRight = isRight(clock, eras.at(-1)!, latestMs);
    applyStep(clock, step);
    if (step.do === "accept")
      await rails.store.atomically((trx) => acceptWallClock(trx, clock, { isBackToo: false }));
    const told = await jumpsTold(rails);
    const nowMs = await now(rails);
    const news = (await jumpsTold(rails)) - told;
    expect(nowMs).toBeGreaterThanOrEqual(latestMs);
    latestMs = nowMs;
    if (step.do === "accept" || step.do === "reboot") eras.push(newEra(clock, nowMs));
    if (step.do === "accept") expect(nowMs).toBeGreaterThanOrEqual(clock.nowMs());
    const era = eras.at(-1)!;
    expect(news).toBeLessThanOrEqual(1);
    const offMs = clock.nowMs() - explainedMs(era, clock.uptimeMs());
    const isLarge = step.do === "set" && Math.abs(step.ms) > 2 * TOLERANCE;
    if (isLarge && wasRight && !wasTold(era, offMs, nowMs)) expect(news).toBe(1);
    if (news === 1 && offMs > 0) era.toldAheadMs.push(offMs);
    if (news === 1) era.toldBehindAt.push(nowMs);
    met.jumps += news;
    met.refusals += await shop(rails, era, nowMs, randomness);
    // However many calls meet the jump, it was told of.
    expect(await now(rails)).toBe(latestMs);
    expect(await jumpsTold(rails)).toBe(told + news);
  }
  for (const era of eras) met.purchases += era.bought.length;
  checkCalendar(
    eras.flatMap(({ bought }) => bought),
    rails.budget.timezone,
  );
  for (const era of eras) met.wholeEras += checkUptime(era);
}

function newEra(clock: FakeClock, fromMs: number): Era {
  return {
    fromMs,
    uptimeMs: clock.uptimeMs(),
    bought: [],
    toldAheadMs: [],
    toldBehindAt: [],
    wasBehind: false,
  };
}

function explainedMs(era: Era, uptimeMs: number): number {
  return era.fromMs + uptimeMs - era.uptimeMs;
}

/** Wall clock, budget and uptime agree. */
function isRight(clock: FakeClock, era: Era, budgetMs: number): boolean {
  const explained = explainedMs(era, clock.uptimeMs());
  return Math.abs(clock.nowMs() - explained) < MINUTE && Math.abs(budgetMs - explained) < MINUTE;
}

/** Within one era the same distance ahead is told of once, and so is a clock that is behind the same instant. */
function wasTold(era: Era, offMs: number, budgetMs: number): boolean {
  if (offMs < 0) return era.toldBehindAt.includes(budgetMs);
  return era.toldAheadMs.some((earlier) => Math.abs(earlier - offMs) < HOUR / 2);
}

/** Buys until something refuses, or a few times; returns how often it was refused. */
async function shop(rails: RailsOn, era: Era, budgetMs: number, randomness: Randomness): Promise<number> {
  const uptimeMs = rails.clock.uptimeMs();
  if (explainedMs(era, uptimeMs) - budgetMs > MINUTE) era.wasBehind = true;
  for (let tries = 0; tries < 4; tries++) {
    const micros = 50 + Math.floor(randomness.random() * 250);
    const result = await tryReserve(rails, micros);
    if ("refusal" in result) return 1;
    await ended(rails, result.entryId, settledAt(micros));
    era.bought.push({ budgetMs, uptimeMs, micros });
  }
  return 0;
}

function checkCalendar(bought: Purchase[], timezone: string): void {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone });
  const days = new Map<string, number>();
  for (const { budgetMs, micros } of bought) {
    const day = format.format(budgetMs);
    for (const period of [day, day.slice(0, 7)]) days.set(period, (days.get(period) ?? 0) + micros);
  }
  for (const [period, micros] of days) {
    const cap = period.length === 7 ? CAPS.month_micros : CAPS.day_micros;
    expect(micros, period).toBeLessThanOrEqual(cap);
  }
  const byBudget = bought.map(({ budgetMs, micros }) => ({ atMs: budgetMs, micros }));
  expect(mostWithin(byBudget, HOUR)).toBeLessThanOrEqual(CAPS.hour_micros);
}

/**
 * The five minutes are what a clock may be corrected by without a word; the shortest day has 23 hours.
 * @returns 1 when the spans could be checked, too.
 */
function checkUptime(era: Era): 0 | 1 {
  for (const { budgetMs, uptimeMs } of era.bought)
    expect(budgetMs).toBeLessThanOrEqual(explainedMs(era, uptimeMs) + TOLERANCE);
  if (era.wasBehind || era.bought.length === 0) return 0;
  const figures = era.bought.map(({ uptimeMs, micros }) => ({ atMs: uptimeMs, micros }));
  // A minute is what a small drift may be behind by.
  expect(mostWithin(figures, HOUR - TOLERANCE - MINUTE)).toBeLessThanOrEqual(CAPS.hour_micros);
  expect(mostWithin(figures, 23 * HOUR - TOLERANCE - MINUTE)).toBeLessThanOrEqual(2 * CAPS.day_micros);
  return 1;
}

async function jumpsTold(rails: RailsOn): Promise<number> {
  return (await alerts(rails, "clock_jump")).length;
}

it(
  "runs no slot twice, tells once of those that were missed, and is silenced by no clock, whatever the clocks do",
  async () => {
    const scripts = cases({ test: 100, chaos: 5_000 });
    const randomness = seededRandomness(chaosSeed("the clock and the schedule"));
    const rails = await testRails();
    const met = { runs: 0, missed: 0, setBack: 0 };
    for (let script = 0; script < scripts; script++) {
      const timezone = ZONES[script % ZONES.length]!;
      await emptied(rails);
      const start = Date.parse("2026-01-01T00:00:00Z") + Math.floor(randomness.random() * 365 * DAY);
      const agent = railsOn(rails.store, rails.dir, { clock: fakeClock(start), timezone });
      const steps: Step[] = [];
      try {
        await runSchedule(agent, timezone, randomness, steps, met);
      } catch (error) {
        throw new Error(`script ${script} in ${timezone}: ${JSON.stringify(steps)}`, { cause: error });
      }
    }
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(0);
    report(
      "the clock and the schedule",
      scripts,
      `${met.runs} runs, ${met.missed} times told of missed slots, ${met.setBack} clocks set back`,
    );
  },
  LIMIT,
);

/** Each schedule with a span that holds at least one slot, also where a day has 25 hours. */
const SCHEDULES: { schedule: JobConfig["schedule"]; periodMs: number }[] = [
  { schedule: { type: "every", intervalMs: HOUR }, periodMs: HOUR },
  { schedule: { type: "every", intervalMs: 7 * DAY }, periodMs: 7 * DAY },
  { schedule: { type: "cron", expression: "0 */6 * * *" }, periodMs: 8 * HOUR },
  { schedule: { type: "cron", expression: "30 2 * * *" }, periodMs: 26 * HOUR },
  { schedule: { type: "cron", expression: "0 6 * * 1" }, periodMs: 7 * DAY + 2 * HOUR },
];
const JOBS: JobConfig[] = SCHEDULES.map(({ schedule }, index) => ({
  name: `job-${index}`,
  kind: "none",
  schedule,
  timeoutMs: HOUR,
  retry: DEFAULT_RETRY,
  minutesSavedPerUnit: 30,
  deliver: [],
  progressMs: null,
  settings: {},
}));

async function runSchedule(
  rails: RailsOn,
  timezone: string,
  randomness: Randomness,
  steps: Step[],
  met: { runs: number; missed: number; setBack: number },
): Promise<void> {
  // All of the dependencies that the schedule uses.
  const uses = { ...rails, config: { jobs: JOBS, timezone } } as unknown as ScheduleUses;
  await tickOnce(rails, uses, met);
  for (let n = 0; n < STEPS / 2; n++) {
    const step = randomStep(randomness);
    steps.push(step);
    applyStep(rails.clock, step);
    await tickOnce(rails, uses, met);
    if (step.do !== "set" || step.ms > 0) continue;
    met.setBack += 1;
    const job = Math.floor(randomness.random() * SCHEDULES.length);
    const sinceMs = rails.clock.nowMs();
    rails.clock.advance(SCHEDULES[job]!.periodMs);
    await tickOnce(rails, uses, met);
    const slots = (await slotsOf(rails, `job-${job}`)).filter(
      (at) => at >= sinceMs && at <= rails.clock.nowMs(),
    );
    expect(slots, `job-${job} after ${JSON.stringify(step)}`).not.toEqual([]);
  }
}

/** At most one run a job, with at most one word on what it missed, and no such word without a run that makes up for it. */
type ScheduleUses = Uses<"config" | "store" | "outbox" | "clock">;

async function tickOnce(
  rails: RailsOn,
  uses: ScheduleUses,
  met: { runs: number; missed: number },
): Promise<void> {
  for (const isRepeated of [false, true]) {
    const before = { jobs: await rowsOf(rails), missed: (await alerts(rails, "tick_missed")).length };
    await enqueueDue(uses);
    const added = (await rowsOf(rails)).slice(before.jobs.length);
    const told = (await alerts(rails, "tick_missed")).slice(before.missed);
    expect(new Set(added.map(({ name }) => name)).size).toBe(added.length);
    expect(added.map(({ name }) => name)).toEqual(expect.arrayContaining(told.map(({ job }) => job)));
    if (isRepeated) expect(added).toEqual([]);
    for (const { slot_at } of added) expect(slot_at).toBeLessThanOrEqual(rails.clock.nowMs());
    met.runs += added.length;
    met.missed += told.length;
  }
}

async function rowsOf(rails: RailsOn) {
  return await rails.store.db.selectFrom("jobs").select(["name", "slot_at"]).orderBy(sql`rowid`).execute();
}

async function slotsOf(rails: RailsOn, name: string): Promise<number[]> {
  return (await rowsOf(rails)).filter((row) => row.name === name).map((row) => row.slot_at);
}

const missing = missingTool("faketime");
/**
 * faketime puts the wall clock (and the monotonic one, unless told not to) elsewhere for one process. Uptime and
 * the id of the boot come from /proc and stay true, so to afk this is a clock that was set while the machine ran.
 */
describe.skipIf(missing !== null)(
  `real processes whose clock is set${missing === null ? "" : ` (skipped: ${missing})`}`,
  () => {
    it.each([
      ["forward and right again", ["+400d", "+0d", "+800d"]],
      ["back and right again", ["-400d", "+0d", "-1d"]],
      ["forward, back and right again", ["+400d", "-400d", "+0d"]],
    ])("buy no more than the day's cap when it is set %s", PROCESSES, async (_name, offsets) => {
      const server = await ollama([], { type: "reply", usage: { outputTokens: 100 } });
      // A call may cost $0.001, and does: the day has room for one.
      const target = deployment(
        digestConfig(server.url, {
          budget: { daily_cap_usd: 0.0015 },
          models: { prices: { "ollama/test-model": { input: 0, output: 10 } } },
        }),
      );
      fillInbox(target, 1, "first");
      expect((await target.afk(["tick"])).code).toBe(0);
      expect(server.requests).toHaveLength(1);
      for (const [index, offset] of offsets.entries()) {
        fillInbox(target, 2, `more-${index}`);
        const ended = await target.afk(["tick", "--now", "digest"], fakedBy(offset));
        expect(ended.code, ended.stderr).toBe(0);
      }
      expect(server.requests).toHaveLength(1);
      const told = target.query<{ n: number }>("select count(*) as n from alerts where event = 'clock_jump'");
      const set = new Set(offsets.filter((offset) => offset !== "+0d"));
      expect(told[0]!.n).toBe(set.size);
      const ticks = target.query<{ outcome: string }>("select outcome from ticks");
      expect(ticks.map(({ outcome }) => outcome)).toEqual(offsets.concat("").map(() => "halted"));
      report("a clock set under real processes", offsets.length);
    });
  },
);

/** What faketime would give to a program; taken from itself, since where its library lies differs. */
function fakedBy(offset: string): Record<string, string> {
  const { stdout } = spawnSync("faketime", ["-f", offset, "env"], { encoding: "utf8" });
  const variables = stdout.split("\n").map((line) => line.split("=", 2) as [string, string]);
  return Object.fromEntries(variables.filter(([name]) => name === "LD_PRELOAD" || name === "FAKETIME"));
}

async function now(rails: RailsOn): Promise<number> {
  return await rails.store.atomically((trx) => budgetNow(trx, rails.outbox.announce, rails.clock));
}

const TABLES = [
  "ledger",
  "budget_windows",
  "budget_clock",
  "open_periods",
  "alerts",
  "jobs",
  "schedules",
] as const;

async function emptied({ store }: RailsOn): Promise<void> {
  await store.atomically(async (trx) => {
    for (const table of TABLES) await trx.deleteFrom(table).execute();
  });
}
