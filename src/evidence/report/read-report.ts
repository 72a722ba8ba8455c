import type { Config } from "../../config/config.ts";
import type { Db } from "../../store/schema.ts";
import { type CallSum, chargedMicros, type RunSum, readCalls, readRuns, type Span } from "./read-money.ts";
import {
  addTicks,
  type DaySums,
  type DrillSum,
  type IncidentSums,
  NO_TICKS,
  readDays,
  readDrills,
  readIncidents,
  readTicks,
  successRate,
  type TickSums,
} from "./read-records.ts";
import {
  byJob,
  byModel,
  type Comparison,
  compareWith,
  type JobWorth,
  type ModelCost,
  rulesOf,
  sumOf,
  unitWorth,
  type Worth,
  worthOf,
} from "./sums.ts";
import { type WeekName, type WeekSpan, weekAt, weeksIn } from "./weeks.ts";

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
}

interface WeekRow extends WeekName, Worth {
  /** All seven days are in it, and over. */
  isWhole: boolean;
  ticks: TickSums;
  successRate: number | null;
}

/** What an agent did and what it was worth. Money in micro-dollars, instants in epoch milliseconds. Every total is the sum of its weeks. */
export interface Report {
  agent: string;
  version: string;
  timezone: string;
  madeAt: number;
  fromMs: number;
  untilMs: number;
  hourlyRateUsd: number;
  minRatio: number | null;
  total: Worth;
  ticks: TickSums;
  successRate: number | null;
  weeks: WeekRow[];
  models: ModelCost[];
  jobs: JobWorth[];
  unknown: { calls: number; micros: number };
  comparison: Comparison | null;
  incidents: IncidentSums;
  drills: DrillSum[];
  days: DaySums;
}

/** How many weeks a report is about unless it is told, the present one included. */
const WEEKS = 4;

/** @throws UnpricedModel, BadReference for a model to compare with that has no price. */
export async function readReport(options: ReportOptions): Promise<Report> {
  const { config, db, nowMs } = options;
  const { timezone } = config;
  const untilMs = Math.min(options.untilMs ?? nowMs, nowMs);
  const fromMs = options.fromMs ?? weekAt(untilMs, timezone, WEEKS - 1).fromMs;
  const weeks: WeekRead[] = [];
  for (const week of weeksIn({ fromMs, untilMs }, timezone)) weeks.push(await readWeek(db, week));
  // A span of more weeks than there may be begins with the first that was read.
  const span = { fromMs: weeks[0]?.week.fromMs ?? fromMs, untilMs };
  const calls = weeks.flatMap((each) => each.calls);
  const unknown = calls.filter(({ state }) => state === "unknown");
  const rules = rulesOf(config);
  const rows = weeks.map((each) => weekRow(each, rules));
  const jobs = byJob(weeks, rules);
  const ticks = rows.reduce((sum, row) => addTicks(sum, row.ticks), NO_TICKS);
  return {
    agent: config.agent,
    version: options.version,
    timezone,
    madeAt: nowMs,
    ...span,
    hourlyRateUsd: config.value.hourlyRateUsd,
    minRatio: config.value.minRatio,
    total: worthOf({
      units: sumOf(rows, (row) => row.units),
      minutesSaved: sumOf(rows, (row) => row.minutesSaved),
      costMicros: sumOf(rows, (row) => row.costMicros),
      savedMicros: sumOf(rows, (row) => row.savedMicros),
    }),
    ticks,
    successRate: successRate(ticks),
    weeks: rows,
    models: byModel(calls),
    jobs,
    unknown: {
      calls: sumOf(unknown, (call) => call.calls),
      micros: sumOf(unknown, chargedMicros),
    },
    comparison: options.compare === undefined ? null : compareWith(options.compare, calls, config.models),
    incidents: await readIncidents(db, span),
    drills: await readDrills(db, span),
    days: await readDays(db, span, timezone),
  };
}

/** What one span of time was worth, without the rest of a report. */
export async function readWorth(db: Db, config: Config, span: Span): Promise<Worth> {
  const [calls, runs] = [await readCalls(db, span), await readRuns(db, span)];
  return worthOfWeek(calls, runs, rulesOf(config));
}

interface WeekRead {
  week: WeekSpan;
  calls: CallSum[];
  runs: RunSum[];
  ticks: TickSums;
}

async function readWeek(db: Db, week: WeekSpan): Promise<WeekRead> {
  return {
    week,
    calls: await readCalls(db, week),
    runs: await readRuns(db, week),
    ticks: await readTicks(db, week),
  };
}

function weekRow({ week, calls, runs, ticks }: WeekRead, rules: ReturnType<typeof rulesOf>): WeekRow {
  const { fromMs: _from, untilMs: _until, ...name } = week;
  return { ...name, ...worthOfWeek(calls, runs, rules), ticks, successRate: successRate(ticks) };
}

function worthOfWeek(
  calls: readonly CallSum[],
  runs: readonly RunSum[],
  rules: ReturnType<typeof rulesOf>,
): Worth {
  const worths = runs.map((run) => unitWorth(run, rules));
  return worthOf({
    units: sumOf(runs, (run) => run.units),
    minutesSaved: sumOf(worths, (worth) => worth.minutesSaved),
    costMicros: sumOf(calls, chargedMicros),
    savedMicros: sumOf(worths, (worth) => worth.savedMicros),
  });
}
