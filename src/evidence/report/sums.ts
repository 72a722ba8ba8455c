import type { Config } from "../../config/config.ts";
import { MICROS_PER_USD, tokenCostMicros } from "../../lib/money.ts";
import { PRICES_DATE, priceOf } from "../../providers/prices.ts";
import type { Pricing } from "../../providers/types.ts";
import { type CallSum, chargedMicros, type RunSum } from "./read-money.ts";

/**
 * What units of output save, in micro-dollars: `units x minutes / 60 x rate`, rounded down, as what is charged is
 * rounded up. Minutes and rate may have fractions, so they count in millionths and nothing is lost before the end.
 */
export function savedMicros(units: number, minutesPerUnit: number, hourlyRateUsd: number): number {
  const millionths = (value: number) => BigInt(Math.round(value * MICROS_PER_USD));
  const exact = BigInt(units) * millionths(minutesPerUnit) * millionths(hourlyRateUsd);
  return Number(exact / BigInt(60 * MICROS_PER_USD));
}

/** Value out for each dollar in, in thousandths, rounded down; null where nothing was put in, which no ratio says. */
export function ratioThousandths(saved: number, costMicros: number): number | null {
  return costMicros === 0 ? null : Number((BigInt(saved) * 1000n) / BigInt(costMicros));
}

/** Dollars in and value out. All of it in micro-dollars but the ratio. */
export interface Worth {
  units: number;
  minutesSaved: number;
  /** What was charged: settled, and at its worst case what is under way or of unknown outcome. */
  costMicros: number;
  /** Value out: what the time saved is worth. */
  savedMicros: number;
  /** `savedMicros - costMicros`. */
  netMicros: number;
  /** Value out for each dollar in; null where nothing was put in. */
  ratio: number | null;
}

/** Net and ratio of what was put in and what came out. */
export function worthOf(parts: {
  units: number;
  minutesSaved: number;
  costMicros: number;
  savedMicros: number;
}): Worth {
  const thousandths = ratioThousandths(parts.savedMicros, parts.costMicros);
  return {
    ...parts,
    netMicros: parts.savedMicros - parts.costMicros,
    ratio: thousandths === null ? null : thousandths / 1000,
  };
}

/** What calls of a model came to. Money in micro-dollars. */
export interface ModelCost {
  model: string;
  calls: number;
  /** Calls that cost nothing since they certainly failed. */
  released: number;
  unknown: number;
  degraded: number;
  inputTokens: number;
  outputTokens: number;
  costMicros: number;
}

/** What a job came to. */
export interface JobWorth extends Worth {
  /** Null: calls that belong to no job, as those of the library. */
  job: string | null;
  runs: number;
  calls: number;
  /** Null where there is no job. */
  minutesPerUnit: number | null;
}

/** What a unit saves, by the configuration as it is now. */
interface ValueRules {
  hourlyRateUsd: number;
  minutesOf(job: string): number;
}

/** What a unit saves, from afk.yaml. */
export function rulesOf({ jobs, value }: Config): ValueRules {
  const minutes = new Map(jobs.map((job) => [job.name, job.minutesSavedPerUnit]));
  return {
    hourlyRateUsd: value.hourlyRateUsd,
    minutesOf: (job) => minutes.get(job) ?? value.minutesSavedPerUnit,
  };
}

/** What the units of some runs save. */
export function unitWorth({ job, units }: RunSum, rules: ValueRules) {
  const minutes = rules.minutesOf(job);
  return { minutesSaved: units * minutes, savedMicros: savedMicros(units, minutes, rules.hourlyRateUsd) };
}

/** The dearest first, then the one with most calls. */
export function byModel(calls: readonly CallSum[]): ModelCost[] {
  const sums = addUp(
    calls,
    ({ model }) => model,
    (call) => ({
      calls: call.calls,
      released: call.state === "released" ? call.calls : 0,
      unknown: call.state === "unknown" ? call.calls : 0,
      degraded: call.degraded,
      inputTokens: call.inputTokens,
      outputTokens: call.outputTokens,
      costMicros: chargedMicros(call),
    }),
  );
  return [...sums]
    .map(([model, sum]) => ({ model, ...sum }))
    .sort((a, b) => b.costMicros - a.costMicros || b.calls - a.calls);
}

/**
 * The one of most value first. The value of each week is rounded by itself, so that jobs and weeks add up to the same
 * total.
 */
export function byJob(
  weeks: readonly { calls: readonly CallSum[]; runs: readonly RunSum[] }[],
  rules: ValueRules,
): JobWorth[] {
  const nothing = { runs: 0, calls: 0, units: 0, minutesSaved: 0, costMicros: 0, savedMicros: 0 };
  const rows = weeks.flatMap(({ calls, runs }) => [
    ...calls.map((call) => ({
      ...nothing,
      job: call.job,
      calls: call.calls,
      costMicros: chargedMicros(call),
    })),
    ...runs.map((run) => ({ ...nothing, ...run, ...unitWorth(run, rules) })),
  ]);
  const sums = addUp(
    rows,
    ({ job }) => job,
    ({ job: _job, ...amounts }) => amounts,
  );
  return [...sums]
    .map(([job, { runs, calls, ...parts }]) => ({
      job,
      runs,
      calls,
      minutesPerUnit: job === null ? null : rules.minutesOf(job),
      ...worthOf(parts),
    }))
    .sort((a, b) => b.savedMicros - a.savedMicros || b.costMicros - a.costMicros);
}

/** The amounts of rows that have the same key, added up; in the order in which the keys first come. */
function addUp<Row, Key, Amounts extends Record<string, number>>(
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
  amountsOf: (row: Row) => Amounts,
): Map<Key, Amounts> {
  const sums = new Map<Key, Amounts>();
  for (const row of rows) {
    const before = sums.get(keyOf(row));
    const sum = Object.entries(amountsOf(row)).map(([name, amount]) => [
      name,
      (before?.[name] ?? 0) + amount,
    ]);
    sums.set(keyOf(row), Object.fromEntries(sum) as Amounts);
  }
  return sums;
}

/** What the tokens that were used would have cost on another model. Money in micro-dollars. */
export interface Comparison {
  model: string;
  /** USD per million tokens. */
  price: { input: number; output: number };
  /** The day of the price list, or `afk.yaml`. */
  pricesFrom: string;
  inputTokens: number;
  outputTokens: number;
  /** Calls whose tokens nobody counted, whatever the reason; they are not in the sums. */
  uncounted: number;
  /** What the counted calls cost where they were made. */
  paidMicros: number;
  /** What they would have cost, all input at the full price: a tokenizer of its own counts somewhat differently. */
  wouldCostMicros: number;
}

/** @throws UnpricedModel, BadReference */
export function compareWith(reference: string, calls: readonly CallSum[], pricing: Pricing): Comparison {
  const { input, output } = priceOf(reference, pricing);
  const settled = calls.filter(({ state }) => state === "settled");
  const inputTokens = sumOf(settled, (call) => call.inputTokens);
  const outputTokens = sumOf(settled, (call) => call.outputTokens);
  return {
    model: reference,
    price: { input, output },
    pricesFrom: Object.hasOwn(pricing.prices, reference) ? "afk.yaml" : PRICES_DATE,
    inputTokens,
    outputTokens,
    uncounted: sumOf(
      calls.filter(({ state }) => state !== "released"),
      (call) => call.calls - call.counted,
    ),
    paidMicros: sumOf(
      settled.filter(({ counted }) => counted > 0),
      chargedMicros,
    ),
    wouldCostMicros: tokenCostMicros(inputTokens, input) + tokenCostMicros(outputTokens, output),
  };
}

/** The values of all rows, added up. */
export function sumOf<Row>(rows: readonly Row[], value: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + value(row), 0);
}
