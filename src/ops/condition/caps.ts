import { type AlertPayload, keyOf } from "../../alerts/events.ts";
import { HOUR_MS } from "../../lib/durations.ts";
import { usdFromMicros } from "../../lib/money.ts";
import { AGENT, type Amount, capWords, UNITS, type UnitName } from "../../lib/windows.ts";
import { shownPeriod, subjectOf } from "../../rails/budget-notices.ts";
import { readSpends } from "../../rails/counters.ts";
import { minuteAt } from "../../rails/windows.ts";
import type { Db } from "../../store/schema.ts";
import { type Finding, finding } from "./finding.ts";
import { type GrantStatus, grantText } from "./questions.ts";
import { amountText, type Spend, type WindowStatus } from "./spend.ts";

/** Sums of dollars are off by less than a micro-dollar. */
const TOLERANCE = 5e-7;

/**
 * The caps that refuse calls now. Full ones do. Of the others the alert of the period that is open says that a call was refused and
 * how much that would have needed; as long as there is less room than that, the next such call is refused too. A run that was granted more goes on nevertheless, which is said beside it.
 */
export async function refusingCaps(
  db: Db,
  { rows, budgetMs }: Spend,
  grants: readonly GrantStatus[],
): Promise<Finding[]> {
  const capped = rows.filter((row): row is Capped => row.cap !== null);
  const open = capped.filter((row) => !isFull(row));
  const refusals = await readRefusals(
    db,
    open.flatMap((row) => keysOf(row, budgetMs)),
  );
  return capped.flatMap((row) => {
    const granted = grants.filter(
      ({ job, window, unit }) => row.scope === `job:${job}` && row.window === window && row.unit === unit,
    );
    if (isFull(row)) {
      const detail = granted.length === 0 ? null : granted.map(grantText).join("; ");
      return [finding("cap_refuses", `the ${capWords(row)} is reached`, "afk ledger", detail)];
    }
    const refused = keysOf(row, budgetMs).flatMap((key) => refusals.get(key) ?? []);
    const needed = Math.max(...refused);
    if (refused.length === 0 || needed <= roomOf(row) + TOLERANCE) return [];
    const amount = (value: number) => amountText(row.unit, value);
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
export async function refusingRunCaps(
  db: Db,
  lastTick: string | null,
  grants: readonly GrantStatus[],
): Promise<Finding[]> {
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
  const found: Finding[] = [];
  for (const { cap, key, period } of runs) {
    const needed = refusals.get(key);
    if (needed === undefined || needed <= (await grantedRoom(db, cap, period, grants))) continue;
    const detail = cap.window === "tick" ? "in the last tick" : `of ${period}`;
    found.push(finding("cap_refuses", `the ${capWords(cap)} refused a call`, "afk ledger", detail));
  }
  return found;
}

/** What a run has left of what it was granted beyond its cap since that refused; 0 where it was granted nothing. */
async function grantedRoom(
  db: Db,
  { window, unit }: Pick<WindowStatus, "window" | "unit">,
  period: string,
  grants: readonly GrantStatus[],
): Promise<number> {
  const grant = grants.find((each) => each.run === period && each.window === window && each.unit === unit);
  if (grant === undefined) return 0;
  const [spend] = await readSpends(db, [{ window, scope: AGENT, period }], 0);
  const { settled = 0, reserved = 0 } = spend?.[amountOf(unit)] ?? {};
  const spent = unit === "usd" ? usdFromMicros(settled + reserved) : settled + reserved;
  return grant.cap + grant.extra - spent + TOLERANCE;
}

function amountOf(unit: UnitName): Amount {
  return UNITS.find(({ name }) => name === unit)?.amount ?? "micros";
}
