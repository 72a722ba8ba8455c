import type { Config } from "../../config/config.ts";
import type { Db } from "../../store/schema.ts";
import { compareWeeks } from "./compare-weeks.ts";
import { chargedMicros, readCalls, readGatewayDays, readRuns, type Span } from "./read-money.ts";
import {
  NO_TICKS,
  readDays,
  readDrills,
  readIncidents,
  readTicks,
  successRate,
  type TickSums,
} from "./read-records.ts";
import { byClient, byJob, byModel, compareWith, sumOf, type Worth, worthOf } from "./sums.ts";
import { type WeekSpan, weekAt, weeksIn } from "./weeks.ts";

/** What a report is about. */
export interface ReportOptions {
  config: Config;
  version: string;
  db: Db;
  nowMs: number;
  /** From the Monday three weeks ago unless stated. */
  fromMs?: number | undefined;
  /** Up to now unless stated; a later instant is now. */
  untilMs?: number | undefined;
  /** A model reference to compare with. */
  compare?: string | undefined;
  /** Whether weeks that cost nothing are set beside those that cost something. */
  comparesWeeks?: boolean;
}

/** What an agent did and what it was worth. Money in micro-dollars, instants in epoch milliseconds. Every total is the sum of its weeks. */
export type Report = Awaited<ReturnType<typeof readReport>>;

/** How many weeks a report is about unless it is told, the present one included. */
const WEEKS = 4;

/** @throws UnpricedModel, BadReference for a model to compare with that has no price. */
export async function readReport(options: ReportOptions) {
  const { config, db, nowMs, compare } = options;
  const { timezone } = config;
  const untilMs = Math.min(options.untilMs ?? nowMs, nowMs);
  const fromMs = options.fromMs ?? weekAt(untilMs, timezone, WEEKS - 1).fromMs;
  const read: WeekRead[] = [];
  for (const week of weeksIn({ fromMs, untilMs }, timezone)) read.push(await readWeek(db, week));
  // A span of more weeks than there may be begins with the first that was read.
  const span = { fromMs: read[0]?.week.fromMs ?? fromMs, untilMs };
  const calls = read.flatMap((each) => each.calls);
  const runs = read.flatMap((each) => each.runs);
  const ticks = addUp(read.map((each) => each.ticks));
  const weeks = read.map((each) => ({
    ...each.week,
    ...worthOf(each.calls, each.runs, config),
    ticks: each.ticks,
    successRate: successRate(each.ticks),
  }));
  const unknown = calls.filter(({ state }) => state === "unknown");
  return {
    agent: config.agent,
    version: options.version,
    timezone,
    madeAt: nowMs,
    ...span,
    hourlyRateUsd: config.value.hourlyRateUsd,
    minRatio: config.value.minRatio,
    total: worthOf(calls, runs, config),
    ticks,
    successRate: successRate(ticks),
    weeks: weeks.map(({ fromMs: _from, untilMs: _until, ...week }) => week),
    freeAndPaid: options.comparesWeeks === true ? await compareWeeks(db, weeks) : null,
    models: byModel(calls),
    clients: byClient(calls),
    gateway: await readGatewayDays(db, span, timezone),
    jobs: byJob(calls, runs, config),
    unknown: { calls: sumOf(unknown, (call) => call.calls), micros: sumOf(unknown, chargedMicros) },
    comparison: compare === undefined ? null : compareWith(compare, calls, config.models),
    incidents: await readIncidents(db, span),
    drills: await readDrills(db, span),
    days: await readDays(db, span, timezone),
  };
}

/** What one span of time was worth, without the rest of a report. */
export async function readWorth(db: Db, config: Config, span: Span): Promise<Worth> {
  return worthOf(await readCalls(db, span), await readRuns(db, span), config);
}

type WeekRead = Awaited<ReturnType<typeof readWeek>>;

async function readWeek(db: Db, week: WeekSpan) {
  return {
    week,
    calls: await readCalls(db, week),
    runs: await readRuns(db, week),
    ticks: await readTicks(db, week),
  };
}

function addUp(all: readonly TickSums[]): TickSums {
  const names = Object.keys(NO_TICKS) as (keyof TickSums)[];
  return Object.fromEntries(names.map((name) => [name, sumOf(all, (each) => each[name])])) as TickSums;
}
