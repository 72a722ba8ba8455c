import type { BudgetConfig } from "../config/config.ts";
import { dayIn } from "../lib/days.ts";
import {
  AGENT,
  type Amount,
  type Amounts,
  CALENDAR_WINDOWS,
  type CalendarWindow,
  type Caps,
  DATED_WINDOWS,
  OWNERS,
  type OwnerColumns,
  type Periods,
  type Scope,
  UNITS,
  WINDOWS,
  type WindowName,
} from "../lib/windows.ts";

/** The minutes an hour's check adds up: the current one and the sixty before, so that no 60 minutes escape it. */
export const HOUR_MINUTES = 60;

/** One row of the counters: a window, whose it is (`agent`, `job:digest`), and its period; an hour's rows are minutes. */
export interface Counter {
  window: WindowName;
  scope: string;
  period: string;
}

/** One window that a call counts in, with its cap in each unit that has one. */
export interface Window extends Counter {
  caps: Partial<Amounts>;
}

/** `2026-11-21T10:04`, UTC. */
export function minuteAt(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16);
}

/** The periods of an instant in a time zone, as the calendar has them. */
export function periodsAt(nowMs: number, timezone: string): Periods {
  const day = dayIn(nowMs, timezone);
  return periodsOf(nowMs, (window) => window.calendar.periodOf(day));
}

/** The minute of an instant, and of each calendar window the period that `periodOf` gives. */
export function periodsOf(
  nowMs: number,
  periodOf: (window: (typeof CALENDAR_WINDOWS)[number]) => string,
): Periods {
  const periods = CALENDAR_WINDOWS.map((window) => [window.name, periodOf(window)]);
  return { minute: minuteAt(nowMs), ...(Object.fromEntries(periods) as Record<CalendarWindow, string>) };
}

/**
 * Every window a call counts in, the narrowest first: its tick and run, then those of whoever it belongs to, then the
 * agent's. Windows without a cap are counted too: a cap that is added in the middle of a day then knows what the day has
 * cost.
 */
export function countersOf(periods: Periods, scope: Scope): Counter[] {
  const runs = WINDOWS.flatMap(({ name: window }) => {
    const period = window === "tick" || window === "job" ? scope[window] : null;
    return period === null ? [] : [{ window, scope: AGENT, period }];
  });
  const owned = OWNERS.flatMap(({ name, field }) => {
    const owner = scope[field] ?? null;
    return owner === null ? [] : datedCounters(periods, `${name}:${owner}`);
  });
  return [...runs, ...owned, ...datedCounters(periods, AGENT)];
}

/** The same with their caps. */
export function windowsOf(periods: Periods, scope: Scope, budget: BudgetConfig): Window[] {
  return countersOf(periods, scope).map((counter) => {
    const caps = [counter.scope === AGENT ? budget.caps : {}];
    for (const { name, field, runs } of OWNERS) {
      const owner = scope[field] ?? "";
      // A run of a job has the lower of the agent's cap on any run and the job's own.
      if (counter.window === runs || counter.scope === `${name}:${owner}`)
        caps.push(Object.hasOwn(budget.owners[name], owner) ? (budget.owners[name][owner] ?? {}) : {});
    }
    return { ...counter, caps: lowestOf(counter.window, caps) };
  });
}

/** What is shown between calls, by whose windows they are: all of the agent's, and those of whoever has a cap. */
export function shownWindows(periods: Periods, { caps, owners }: BudgetConfig): Window[][] {
  const shown = (scope: string, stated: Caps) =>
    datedCounters(periods, scope).map((counter) => ({
      ...counter,
      caps: lowestOf(counter.window, [stated]),
    }));
  const owned = OWNERS.flatMap(({ name }) =>
    Object.entries(owners[name]).map(([owner, stated]) => shown(`${name}:${owner}`, stated)),
  );
  return [shown(AGENT, caps), ...owned];
}

/** Whose dated windows a call counts in beside the agent's: `client:laptop`; the agent's own where it is nobody's. */
export function ownerScope(scope: Scope): string {
  const owner = OWNERS.find(({ field }) => scope[field] != null);
  return owner === undefined ? AGENT : `${owner.name}:${scope[owner.field]}`;
}

function datedCounters(periods: Periods, scope: string): Counter[] {
  return DATED_WINDOWS.map(({ name: window, column }) => ({ window, scope, period: periods[column] }));
}

function lowestOf(window: WindowName, stated: readonly Caps[]): Partial<Amounts> {
  const lowest: Partial<Amounts> = {};
  for (const { amount } of UNITS) {
    const caps = stated.flatMap((each) => each[`${window}_${amount}`] ?? []);
    if (caps.length > 0) lowest[amount] = Math.min(...caps);
  }
  return lowest;
}

/** Where an entry of the ledger was made. */
export function scopeOf(entry: { tick: string | null; job: string | null } & OwnerColumns): Scope {
  const owners = OWNERS.map(({ field, column }) => [field, entry[column]]);
  return { tick: entry.tick, job: entry.job, ...Object.fromEntries(owners) };
}

/** The columns of the ledger that say whose windows a call counts in. */
export function ownerColumns(scope: Scope): OwnerColumns {
  const columns = OWNERS.map(({ field, column }) => [column, scope[field] ?? null]);
  return Object.fromEntries(columns) as OwnerColumns;
}

/** Whether any cap is stated in a unit, whoever has it. */
export function isCapped({ caps, owners }: BudgetConfig, amount: Amount): boolean {
  const all = [caps, ...Object.values(owners).flatMap((named) => Object.values(named))];
  return all.some((each) => Object.keys(each).some((name) => name.endsWith(`_${amount}`)));
}
