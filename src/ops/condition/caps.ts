import { type AlertPayload, keyOf } from "../../alerts/events.ts";
import { HOUR_MS } from "../../lib/durations.ts";
import { formatUsd, MICROS_PER_USD } from "../../lib/money.ts";
import { AGENT, capWords, UNITS } from "../../lib/windows.ts";
import { shownPeriod, subjectOf } from "../../rails/budget-notices.ts";
import { minuteAt } from "../../rails/windows.ts";
import type { Db } from "../../store/schema.ts";
import { type Finding, finding } from "./finding.ts";
import type { Spend, WindowStatus } from "./spend.ts";

/** Sums of dollars are off by less than a micro-dollar. */
const TOLERANCE = 5e-7;

/**
 * The caps that refuse calls now. Full ones do. Of the others the alert of the period that is open says that a call was refused and
 * how much that would have needed; as long as there is less room than that, the next such call is refused too.
 */
export async function refusingCaps(db: Db, { rows, budgetMs }: Spend): Promise<Finding[]> {
  const capped = rows.filter((row): row is Capped => row.cap !== null);
  const open = capped.filter((row) => !isFull(row));
  const refusals = await readRefusals(
    db,
    open.flatMap((row) => keysOf(row, budgetMs)),
  );
  return capped.flatMap((row) => {
    if (isFull(row)) return [finding("cap_refuses", `the ${capWords(row)} is reached`, "afk ledger")];
    const refused = keysOf(row, budgetMs).flatMap((key) => refusals.get(key) ?? []);
    const needed = Math.max(...refused);
    if (refused.length === 0 || needed <= roomOf(row) + TOLERANCE) return [];
    const amount = (value: number) => amountText(row, value);
    const call = Number.isFinite(needed) ? `a call of at most ${amount(needed)}` : "a call";
    const detail = `${call} was refused; ${amount(roomOf(row))} of ${amount(row.cap)} is left`;
    return [finding("cap_refuses", `the ${capWords(row)} refuses calls`, "afk ledger", detail)];
  });
}

type Capped = WindowStatus & { cap: number };

function isFull(row: Capped): boolean {
  return roomOf(row) <= TOLERANCE;
}

function roomOf({ cap, settled, reserved }: Capped): number {
  return Math.max(0, cap - settled - reserved);
}

function amountText({ unit }: Capped, value: number): string {
  return unit === "usd" ? formatUsd(Math.round(value * MICROS_PER_USD)) : `${value} ${unit}`;
}

/** Of an hour, which slides, a refusal may have been told of in the clock hour before. */
function keysOf(row: Capped, budgetMs: number): string[] {
  const periods =
    row.window === "hour"
      ? [budgetMs, budgetMs - HOUR_MS].map((atMs) => shownPeriod({ ...row, period: minuteAt(atMs) }))
      : [row.period];
  return periods.map((occurrence) => keyOf({ event: "cap_hit", subject: subjectOf(row), occurrence }));
}

/** How much the refused call needed, by the key of the alert; without end where an earlier version did not note it. */
async function readRefusals(db: Db, keys: readonly string[]): Promise<Map<string, number>> {
  if (keys.length === 0) return new Map();
  const rows = await db.selectFrom("alerts").select(["key", "payload"]).where("key", "in", keys).execute();
  return new Map(
    rows.map(({ key, payload }) => {
      const { neededUsd, needed } = JSON.parse(payload) as AlertPayload;
      return [key, neededUsd ?? needed ?? Number.POSITIVE_INFINITY];
    }),
  );
}

/** So many of the jobs that are due next are looked at. */
const JOBS_MAX = 50;

/** Caps of one tick and of one run: they refused what the last tick did, and what a job in the queue goes on with. */
export async function refusingRunCaps(db: Db, lastTick: string | null): Promise<Finding[]> {
  const ready = await db
    .selectFrom("jobs")
    .select(["key", "error"])
    .where("state", "=", "ready")
    .orderBy("run_at")
    .orderBy("id")
    .limit(JOBS_MAX)
    .execute();
  const periods = [
    ...(lastTick === null ? [] : [{ window: "tick", period: lastTick } as const]),
    ...ready.flatMap(({ key, error }) => (error === null ? [] : [{ window: "job", period: key } as const])),
  ];
  const runs = periods.flatMap(({ window, period }) =>
    UNITS.map(({ name: unit }) => {
      const cap = { window, scope: AGENT, unit };
      return { cap, key: keyOf({ event: "cap_hit", subject: subjectOf(cap), occurrence: period }), period };
    }),
  );
  const refusals = await readRefusals(
    db,
    runs.map(({ key }) => key),
  );
  return runs.flatMap(({ cap, key, period }) =>
    refusals.has(key)
      ? [
          finding(
            "cap_refuses",
            `the ${capWords(cap)} refused a call`,
            "afk ledger",
            cap.window === "tick" ? "in the last tick" : `of ${period}`,
          ),
        ]
      : [],
  );
}
