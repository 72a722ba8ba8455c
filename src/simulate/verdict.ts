import type { Config } from "../config/config.ts";
import { INVARIANTS } from "../faults/oracles/invariant.ts";
import { DAY_MS } from "../lib/durations.ts";
import { formatUsd } from "../lib/money.ts";
import type { Day } from "./calendar.ts";
import type { SimulationResult } from "./simulation.ts";

/** What a simulation says of a configuration, for people. */
export interface Verdict {
  isWell: boolean;
  /** The first line says whether everything held. */
  lines: string[];
}

const TOLD_SHOWN = 5;

/** @param repeat the command line that does the same again. */
export function verdictOf(result: SimulationResult, config: Config, repeat: string): Verdict {
  const { days, violation, steps } = result;
  const held = `Everything held at each of ${steps} steps, in ${days.length} days. Again: ${repeat}`;
  return {
    isWell: violation === null,
    lines: [
      ...(violation === null ? [held] : broken(violation, repeat)),
      ...capsLines(days, config),
      costLine(days, config),
      digestLine(days, config),
      ...otherRefusals(days),
      toldLine(days),
    ],
  };
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

function capsLines(days: readonly Day[], { budget }: Config): string[] {
  const refusals = sumRefused(days);
  const caps = Object.entries(refusals).filter(([name]) => / cap$/.test(name));
  if (budget.caps.day_micros === 0) return ["The daily cap is 0: no model is ever called."];
  if (caps.length === 0) return ["The caps suffice: none of them refused a call."];
  return caps.map(([name, count]) => {
    const on = days.filter(({ refused }) => (refused[name] ?? 0) > 0).length;
    return `The ${name} does not suffice: it refused ${count} call${count === 1 ? "" : "s"} on ${on} of ${days.length} days; the work waited, or went on without that model.`;
  });
}

function costLine(days: readonly Day[], { budget }: Config): string {
  const bills = days.map(({ billedMicros }) => billedMicros);
  const sum = bills.reduce((total, micros) => total + micros, 0);
  const dearest = Math.max(0, ...bills);
  const cap = budget.caps.day_micros;
  if (sum === 0)
    return "The days cost nothing: no model that costs money was asked, or none of them answered.";
  return (
    `The providers bill ${formatUsd(sum)}, ${formatUsd(Math.round(sum / days.length))} a day and ${formatUsd(dearest)} ` +
    `on the dearest day, of ${cap === undefined ? "no daily cap" : `a daily cap of ${formatUsd(cap)}`}.`
  );
}

function digestLine(days: readonly Day[], { jobs }: Config): string {
  const outputs = days.reduce((sum, day) => sum + day.outputs, 0);
  const digests = days.reduce((sum, day) => sum + day.digests, 0);
  if (!jobs.some(({ kind }) => kind === "digest")) return `There were ${outputs} outputs.`;
  return `There ${digests === 1 ? "was 1 digest" : `were ${digests} digests`}, on ${days.filter((day) => day.digests > 0).length} of ${days.length} days, and ${outputs} files in all.`;
}

function otherRefusals(days: readonly Day[]): string[] {
  return Object.entries(sumRefused(days))
    .filter(([name]) => !/ cap$/.test(name))
    .map(([name, count]) => `Refused by the ${name}: ${count} times.`);
}

function toldLine(days: readonly Day[]): string {
  const counts = new Map<string, number>();
  for (const title of days.flatMap(({ told }) => told)) counts.set(title, (counts.get(title) ?? 0) + 1);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (all === 0) return "Nobody was told of anything.";
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, TOLD_SHOWN);
  return `There were ${all} alerts; most often: ${most.map(([title, count]) => `${title} (${count})`).join("; ")}.`;
}

function sumRefused(days: readonly Day[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { refused } of days) {
    for (const [name, count] of Object.entries(refused)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}
