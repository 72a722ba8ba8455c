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
  /** What the time saved is worth. */
  savedMicros: number;
  /** What units are billed for. */
  revenueMicros: number;
  /** Value out: both together. */
  valueMicros: number;
  /** `valueMicros - costMicros`. */
  netMicros: number;
  /** Value out for each dollar in; null where nothing was put in. */
  ratio: number | null;
}

/** What calls cost and runs brought, by the rules of afk.yaml as it is now. The value of each run sum is rounded by itself. */
export function worthOf(calls: readonly CallSum[], runs: readonly RunSum[], config: Config): Worth {
  const costMicros = sumOf(calls, chargedMicros);
  const saved = sumOf(runs, ({ job, units }) =>
    savedMicros(units, minutesOf(config, job), config.value.hourlyRateUsd),
  );
  const revenueMicros = sumOf(runs, ({ job, units }) => units * revenueOf(config, job));
  const valueMicros = saved + revenueMicros;
  const thousandths = ratioThousandths(valueMicros, costMicros);
  return {
    units: sumOf(runs, ({ units }) => units),
    minutesSaved: sumOf(runs, ({ job, units }) => units * minutesOf(config, job)),
    costMicros,
    savedMicros: saved,
    revenueMicros,
    valueMicros,
    netMicros: valueMicros - costMicros,
    ratio: thousandths === null ? null : thousandths / 1000,
  };
}

function minutesOf({ jobs, value }: Config, job: string): number {
  return jobs.find(({ name }) => name === job)?.minutesSavedPerUnit ?? value.minutesSavedPerUnit;
}

function revenueOf({ jobs }: Config, job: string): number {
  return jobs.find(({ name }) => name === job)?.revenueMicrosPerUnit ?? 0;
}

/**
 * What a job is worth by the words of afk.yaml, the least first: 1, it runs, and nobody says what for; 2, it saves a person's
 * time; 3, its output is billed.
 */
function rungOf(config: Config, job: string): 1 | 2 | 3 {
  if (revenueOf(config, job) > 0) return 3;
  return minutesOf(config, job) > 0 && config.value.hourlyRateUsd > 0 ? 2 : 1;
}

/** What the calls of each model came to, the dearest first, then the one with most calls. Released calls cost nothing. */
export function byModel(calls: readonly CallSum[]) {
  return groupedBy(calls, ({ model }) => model).map(({ key: model, ...sums }) => ({ model, ...sums }));
}

/** The same by client of the gateway; null stands for the agent's own calls and those of its jobs. */
export function byClient(calls: readonly CallSum[]) {
  return groupedBy(calls, ({ client }) => client).map(({ key: client, ...sums }) => ({ client, ...sums }));
}

function groupedBy<Key>(calls: readonly CallSum[], keyOf: (call: CallSum) => Key) {
  const callsIn = (of: CallSum[], wanted: CallSum["state"]) =>
    sumOf(of, ({ state, calls }) => (state === wanted ? calls : 0));
  return [...Map.groupBy(calls, keyOf)]
    .map(([key, of]) => ({
      key,
      calls: sumOf(of, (call) => call.calls),
      released: callsIn(of, "released"),
      unknown: callsIn(of, "unknown"),
      degraded: sumOf(of, (call) => call.degraded),
      inputTokens: sumOf(of, (call) => call.inputTokens),
      outputTokens: sumOf(of, (call) => call.outputTokens),
      costMicros: sumOf(of, chargedMicros),
    }))
    .sort((a, b) => b.costMicros - a.costMicros || b.calls - a.calls);
}

/** What each job came to, the one of most value first. Job and minutes are null for calls of no job, as those of the library. */
export function byJob(calls: readonly CallSum[], runs: readonly RunSum[], config: Config) {
  return [...new Set([...calls, ...runs].map(({ job }) => job))]
    .map((job) => {
      const [asked, done] = [calls.filter((call) => call.job === job), runs.filter((run) => run.job === job)];
      return {
        job,
        runs: sumOf(done, (run) => run.runs),
        calls: sumOf(asked, (call) => call.calls),
        minutesPerUnit: job === null ? null : minutesOf(config, job),
        rung: job === null ? null : rungOf(config, job),
        ...worthOf(asked, done, config),
      };
    })
    .sort((a, b) => b.valueMicros - a.valueMicros || b.costMicros - a.costMicros);
}

/**
 * What the tokens that were used would have cost on another model, all input at the full price: a tokenizer of its own
 * counts somewhat differently. Calls whose tokens nobody counted are not in the sums.
 * @throws UnpricedModel, BadReference
 */
export function compareWith(reference: string, calls: readonly CallSum[], pricing: Pricing) {
  const { input, output } = priceOf(reference, pricing);
  const settled = calls.filter(({ state }) => state === "settled");
  const inputTokens = sumOf(settled, (call) => call.inputTokens);
  const outputTokens = sumOf(settled, (call) => call.outputTokens);
  return {
    model: reference,
    /** USD per million tokens. */
    price: { input, output },
    /** The day of the price list, or `afk.yaml`. */
    pricesFrom: Object.hasOwn(pricing.prices, reference) ? "afk.yaml" : PRICES_DATE,
    inputTokens,
    outputTokens,
    uncounted: sumOf(
      calls.filter(({ state }) => state !== "released"),
      (call) => call.calls - call.counted,
    ),
    /** What the counted calls cost where they were made. */
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
