import type { Config } from "../config/config.ts";
import { INVARIANTS } from "../faults/oracles/invariant.ts";
import { DAY_MS } from "../lib/durations.ts";
import { formatUsd } from "../lib/money.ts";
import { plural } from "../lib/text.ts";
import type { Day } from "./calendar.ts";
import type { SimulationResult } from "./simulation.ts";

const TOLD_SHOWN = 5;

/**
 * What a simulation says of a configuration, for people; the first line says whether everything held.
 * @param repeat the command line that does the same again.
 */
export function verdictOf(
  { days, violation, steps }: SimulationResult,
  config: Config,
  repeat: string,
): { isWell: boolean; lines: string[] } {
  const refusals = Object.entries(countAll(days.map(({ refused }) => refused)));
  const isCap = (name: string) => name.endsWith(" cap");
  const lines = [
    ...(violation === null
      ? [`Everything held at each of ${steps} steps, in ${days.length} days. Again: ${repeat}`]
      : broken(violation, repeat)),
    ...capsLines(
      days,
      config,
      refusals.filter(([name]) => isCap(name)),
    ),
    costLine(days, config),
    digestLine(days, config),
    ...refusals.flatMap(([name, count]) => (isCap(name) ? [] : [`Refused by the ${name}: ${count} times.`])),
    toldLine(days),
  ];
  return { isWell: violation === null, lines };
}

function broken(
  { invariant, message, atMs }: NonNullable<SimulationResult["violation"]>,
  repeat: string,
): string[] {
  return [
    `BROKEN on day ${Math.floor(atMs / DAY_MS) + 1}: ${message}.`,
    `What must hold (${invariant}): ${INVARIANTS[invariant]}. It is a bug of afk; this shows it again: ${repeat}`,
  ];
}

function capsLines(days: readonly Day[], { budget }: Config, refusals: [string, number][]): string[] {
  if (budget.caps.day_micros === 0) return ["The daily cap is 0: no model is ever called."];
  if (refusals.length === 0) return ["The caps suffice: none of them refused a call."];
  return refusals.map(([name, count]) => {
    const on = days.filter(({ refused }) => (refused[name] ?? 0) > 0).length;
    return `The ${name} does not suffice: it refused ${plural(count, "call")} on ${on} of ${days.length} days; the work waited, or went on without that model.`;
  });
}

function costLine(days: readonly Day[], { budget }: Config): string {
  const total = sum(days, "billedMicros");
  const dearest = Math.max(0, ...days.map(({ billedMicros }) => billedMicros));
  const cap = budget.caps.day_micros;
  if (total === 0)
    return "The days cost nothing: no model that costs money was asked, or none of them answered.";
  return (
    `The providers bill ${formatUsd(total)}, ${formatUsd(Math.round(total / days.length))} a day and ${formatUsd(dearest)} ` +
    `on the dearest day, of ${cap === undefined ? "no daily cap" : `a daily cap of ${formatUsd(cap)}`}.`
  );
}

function digestLine(days: readonly Day[], { jobs }: Config): string {
  const [outputs, digests] = [sum(days, "outputs"), sum(days, "digests")];
  if (!jobs.some(({ kind }) => kind === "digest")) return `There were ${outputs} outputs.`;
  return `There ${digests === 1 ? "was 1 digest" : `were ${digests} digests`}, on ${days.filter((day) => day.digests > 0).length} of ${days.length} days, and ${outputs} files in all.`;
}

function toldLine(days: readonly Day[]): string {
  const told = days.flatMap((day) => day.told);
  if (told.length === 0) return "Nobody was told of anything.";
  const counts = Object.entries(countAll(told.map((title) => ({ [title]: 1 }))));
  const most = counts.sort((a, b) => b[1] - a[1]).slice(0, TOLD_SHOWN);
  return `There were ${told.length} alerts; most often: ${most.map(([title, count]) => `${title} (${count})`).join("; ")}.`;
}

function sum(days: readonly Day[], what: "billedMicros" | "outputs" | "digests"): number {
  return days.reduce((total, day) => total + day[what], 0);
}

function countAll(counts: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((each) => Object.entries(each)))
    sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
