import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import { formatUsd, MICROS_PER_USD, usdFromMicros } from "../../lib/money.ts";
import {
  AGENT,
  FLEET,
  formatAmount,
  UNITS,
  type UnitName,
  WINDOWS,
  type WindowName,
} from "../../lib/windows.ts";
import { peekBudgetNow } from "../../rails/budget-time.ts";
import { readSpends } from "../../rails/counters.ts";
import { peekFleetSpend } from "../../rails/fleet-cap.ts";
import { peekPeriods } from "../../rails/periods.ts";
import { shownWindows } from "../../rails/windows.ts";
import type { Db } from "../../store/schema.ts";

/** What is spent of one window in one unit. First come the agent's own in dollars, then whatever else has a cap. */
export interface WindowStatus {
  window: WindowName;
  /** Whose: `agent`, `job:digest`, `client:laptop`; `fleet` of all agents of a database. */
  scope: string;
  period: string;
  unit: UnitName;
  cap: number | null;
  settled: number;
  reserved: number;
  /** The same again, of the agent's own windows in dollars. */
  capUsd?: number | null;
  settledUsd?: number;
  reservedUsd?: number;
}

/** Every window that is shown, with the budget's time and its day. */
export interface Spend {
  rows: WindowStatus[];
  budgetMs: number;
  day: string;
}

/** Reads what every window holds that is always shown or has a cap. */
export async function readSpend({
  config,
  db,
  clock,
}: {
  config: Pick<Config, "budget" | "timezone" | "database" | "fleet">;
  db: Db;
  clock: Clock;
}): Promise<Spend> {
  const budgetMs = await peekBudgetNow(db, clock);
  const periods = await peekPeriods(db, budgetMs, config.timezone);
  const rows: WindowStatus[] = [];
  for (const windows of shownWindows(periods, config.budget)) {
    const spends = await readSpends(db, windows, budgetMs);
    for (const { name: unit, amount } of UNITS) {
      for (const [index, { window, scope, period, caps }] of windows.entries()) {
        const { settled = 0, reserved = 0 } = spends[index]?.[amount] ?? {};
        const row = { window, scope, period, unit, cap: caps[amount] ?? null, settled, reserved };
        if (row.cap !== null || isAlwaysShown(row)) rows.push(unit === "usd" ? inDollars(row) : row);
      }
    }
  }
  rows.push(...(await fleetRows(db, config, clock)));
  return { rows, budgetMs, day: periods.day };
}

/** The cap over all agents of the database, where there is one. */
async function fleetRows(
  db: Db,
  { database, fleet }: Pick<Config, "database" | "fleet">,
  clock: Clock,
): Promise<WindowStatus[]> {
  const cap = fleet.dailyCapMicros;
  if (database === null || cap === null) return [];
  const spend = await peekFleetSpend(db, clock.nowMs());
  return spend === null ? [] : [inDollars({ window: "day", scope: FLEET, unit: "usd", cap, ...spend })];
}

/** An amount as people read it: `$0.25`, `1200 tokens`; dollars as dollars. */
export function amountText(unit: UnitName, amount: number): string {
  return unit === "usd" ? formatUsd(Math.round(amount * MICROS_PER_USD)) : formatAmount(unit, amount);
}

function isAlwaysShown({ window, scope, unit }: WindowStatus): boolean {
  const row = WINDOWS.find(({ name }) => name === window);
  return unit === "usd" && scope === AGENT && row?.isAlwaysShown === true;
}

function inDollars(row: WindowStatus): WindowStatus {
  const cap = row.cap === null ? null : usdFromMicros(row.cap);
  const [settled, reserved] = [usdFromMicros(row.settled), usdFromMicros(row.reserved)];
  const own = row.scope === AGENT ? { capUsd: cap, settledUsd: settled, reservedUsd: reserved } : {};
  return { ...row, cap, settled, reserved, ...own };
}
