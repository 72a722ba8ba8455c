import type { Config } from "../../config/config.ts";
import { type CallSum, chargedMicros, type RunSum } from "./read-money.ts";
import { savedMicros, type Worth, worthOf } from "./worth.ts";

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
export interface ValueRules {
  hourlyRateUsd: number;
  minutesOf(job: string): number;
}

export function rulesOf({ jobs, value }: Config): ValueRules {
  const minutes = new Map(jobs.map((job) => [job.name, job.minutesSavedPerUnit]));
  return {
    hourlyRateUsd: value.hourlyRateUsd,
    minutesOf: (job) => minutes.get(job) ?? value.minutesSavedPerUnit,
  };
}

export function unitWorth({ job, units }: RunSum, rules: ValueRules) {
  const minutes = rules.minutesOf(job);
  return { minutesSaved: units * minutes, savedMicros: savedMicros(units, minutes, rules.hourlyRateUsd) };
}

/** The dearest first, then the one with most calls. */
export function byModel(calls: readonly CallSum[]): ModelCost[] {
  const models = new Map<string, ModelCost>();
  for (const call of calls) {
    const sum = models.get(call.model) ?? {
      model: call.model,
      calls: 0,
      released: 0,
      unknown: 0,
      degraded: 0,
      inputTokens: 0,
      outputTokens: 0,
      costMicros: 0,
    };
    sum.calls += call.calls;
    if (call.state === "released") sum.released += call.calls;
    if (call.state === "unknown") sum.unknown += call.calls;
    sum.degraded += call.degraded;
    sum.inputTokens += call.inputTokens;
    sum.outputTokens += call.outputTokens;
    sum.costMicros += chargedMicros(call);
    models.set(call.model, sum);
  }
  return [...models.values()].sort((a, b) => b.costMicros - a.costMicros || b.calls - a.calls);
}

/**
 * The one of most value first. The value of each week is rounded by itself, so that jobs and weeks add up to the same
 * total.
 */
export function byJob(
  weeks: readonly { calls: readonly CallSum[]; runs: readonly RunSum[] }[],
  rules: ValueRules,
): JobWorth[] {
  type Sum = {
    job: string | null;
    runs: number;
    calls: number;
    units: number;
    cost: number;
    saved: number;
    minutes: number;
  };
  const sums = new Map<string | null, Sum>();
  const sumOf = (job: string | null) => {
    const sum = sums.get(job) ?? { job, runs: 0, calls: 0, units: 0, cost: 0, saved: 0, minutes: 0 };
    sums.set(job, sum);
    return sum;
  };
  for (const { calls, runs } of weeks) {
    for (const call of calls) {
      const sum = sumOf(call.job);
      sum.calls += call.calls;
      sum.cost += chargedMicros(call);
    }
    for (const run of runs) {
      const sum = sumOf(run.job);
      const worth = unitWorth(run, rules);
      sum.runs += run.runs;
      sum.units += run.units;
      sum.saved += worth.savedMicros;
      sum.minutes += worth.minutesSaved;
    }
  }
  return [...sums.values()]
    .map(({ job, runs, calls, units, cost, saved, minutes }) => ({
      job,
      runs,
      calls,
      minutesPerUnit: job === null ? null : rules.minutesOf(job),
      ...worthOf({ units, minutesSaved: minutes, costMicros: cost, savedMicros: saved }),
    }))
    .sort((a, b) => b.savedMicros - a.savedMicros || b.costMicros - a.costMicros);
}
