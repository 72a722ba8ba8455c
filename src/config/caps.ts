import * as v from "valibot";
import { capMicrosFromUsd } from "../lib/money.ts";
import type { BudgetConfig } from "./config.ts";
import { isSection } from "./path.ts";
import { budgetSchema } from "./schema.ts";

type CapName = Exclude<keyof BudgetConfig, "warningThresholds">;

const CAPS = {
  dailyCapMicros: "daily_cap_usd",
  hourlyCapMicros: "hourly_cap_usd",
  monthlyCapMicros: "monthly_cap_usd",
  jobCapMicros: "job_cap_usd",
  tickCapMicros: "tick_cap_usd",
} as const satisfies Record<CapName, string>;
const NAMES = Object.keys(CAPS) as CapName[];

/** Caps in micro-dollars; one that is left out, or null, is not stated. */
export type StatedCaps = Partial<Record<CapName, number | null>>;

/** The caps of a `budget:` section, each judged by itself, whatever is wrong with the others. */
export function statedCaps(section: unknown): StatedCaps {
  if (!isSection(section)) return {};
  const { entries } = budgetSchema();
  const stated = NAMES.flatMap((name) => {
    const { success, output } = v.safeParse(entries[CAPS[name]], section[CAPS[name]]);
    return success && output !== undefined ? [[name, capMicrosFromUsd(output)]] : [];
  });
  return Object.fromEntries(stated);
}

/** Of each window the lowest cap that is stated. */
export function lowestCaps(each: readonly StatedCaps[]): StatedCaps {
  const lowest = NAMES.flatMap((name) => {
    const stated = each.map((caps) => caps[name] ?? Infinity);
    return Math.min(...stated) === Infinity ? [] : [[name, Math.min(...stated)]];
  });
  return Object.fromEntries(lowest);
}

/** Of each window the lower cap; no cap is the highest. */
export function lowerCaps(budget: BudgetConfig, other: StatedCaps): BudgetConfig {
  const lower = (name: CapName) => Math.min(budget[name] ?? Infinity, other[name] ?? Infinity);
  const lowered = NAMES.map((name) => [name, Number.isFinite(lower(name)) ? lower(name) : null]);
  return { ...budget, ...Object.fromEntries(lowered) };
}
