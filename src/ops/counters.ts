import { type RawBuilder, sql } from "kysely";
import { toIso } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import {
  AGENT,
  type Amount,
  CALENDAR_WINDOWS,
  DATED_WINDOWS,
  OWNERS,
  UNITS,
  WINDOWS,
} from "../lib/windows.ts";
import type { Db } from "../store/schema.ts";

/**
 * Derives every window's counter again from the ledger, with what retention has rolled up of it, and compares. Windows that
 * are not of the calendar count only what is still in the ledger.
 * @returns one line for each counter that differs, at most a hundred.
 */
export async function countersAgree(db: Db): Promise<string[]> {
  const owned = OWNERS.map(({ name, column }) => ({ name, column, scope: sql`${sql.lit(`${name}:`)} || ` }));
  const piles = [
    counted(),
    ...WINDOWS.map((window) => fromLedger(window, sql.lit(AGENT))),
    ...CALENDAR_WINDOWS.map((window) => fromDays(window, sql.lit(AGENT))),
    ...owned.flatMap(({ scope, name, column }) => [
      ...DATED_WINDOWS.map((window) => fromLedger(window, sql`${scope}${sql.ref(column)}`)),
      ...CALENDAR_WINDOWS.map((window) =>
        fromDays(window, sql`nullif(${scope}${sql.ref(name)}, ${`${name}:`})`),
      ),
    ]),
  ];
  const sums = SIDES.map((side) => sql`sum(${sql.ref(side)}) as ${sql.ref(side)}`);
  const differ = PAIRS.map(([ours, theirs]) => sql`sum(${sql.ref(ours)}) <> sum(${sql.ref(theirs)})`);
  // Both sides in one pile and each period summed up once: joining them would compare every period with every other.
  const { rows } = await sql<{ window: string; scope: string; period: string } & Record<string, number>>`
    select "window", scope, period, ${sql.join(sums)} from (${sql.join(piles, sql` union all `)}) as piled
    where period is not null and scope is not null
    group by "window", scope, period having ${sql.join(differ, sql` or `)} limit 100`.execute(db);
  return rows.map((row) => {
    const of = (side: string, amount: Amount) =>
      `${row[`${side}settled_${amount}`]}/${row[`${side}reserved_${amount}`]}`;
    const units = UNITS.flatMap(({ amount }) => {
      const [ours, theirs] = [of("", amount), of("ledger_", amount)];
      if (ours === theirs) return [];
      return `counted ${ours}, ledger says ${theirs} (settled/reserved ${amount === "micros" ? "micro-dollars" : amount})`;
    });
    return `${row.window} ${row.period}${row.scope === AGENT ? "" : ` of ${row.scope}`}: ${units.join("; ")}`;
  });
}

/** What is counted, and what the ledger says of the same. */
const PAIRS = UNITS.flatMap(({ amount }) =>
  ["settled", "reserved"].map((what) => [`${what}_${amount}`, `ledger_${what}_${amount}`] as const),
);
const SIDES = PAIRS.flat();

function counted(): RawBuilder<unknown> {
  const sides = PAIRS.flatMap(([ours, theirs]) => [sql.ref(ours), sql`0 as ${sql.ref(theirs)}`]);
  return sql`select "window", scope, period, ${sql.join(sides)} from budget_windows`;
}

/** One call is one call; dollars and tokens have a column for what is charged and one for the bound. */
function fromLedger(
  { name, column }: (typeof WINDOWS)[number],
  scope: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const sides = UNITS.flatMap(({ amount }) => {
    const of = (what: string) => (amount === "calls" ? sql.lit(1) : sql.ref(`${what}_${amount}`));
    return [
      sql`0, case when state = 'settled' then ${of("cost")} else 0 end`,
      sql`0, case when state in ('reserved', 'sending', 'unknown') then ${of("estimate")} else 0 end`,
    ];
  });
  return sql`select ${sql.lit(name)}, ${scope}, ${sql.ref(column)}, ${sql.join(sides)} from ledger`;
}

/** Only calls that are over are rolled up. */
function fromDays(
  { name }: (typeof CALENDAR_WINDOWS)[number],
  scope: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const sides = UNITS.flatMap(({ amount }) => {
    const settled = amount === "calls" ? sql.ref("calls") : sql.ref(`cost_${amount}`);
    return [sql`0, case when state = 'settled' then ${settled} else 0 end`, sql`0, 0`];
  });
  return sql`select ${sql.lit(name)}, ${scope}, ${sql.ref(name)}, ${sql.join(sides)} from ledger_days`;
}

/** How far the budget's clock may be ahead of the records that were written with it. */
const CLOCK_TOLERANCE_MS = 10 * MINUTE_MS;

/**
 * The budget's clock is read with every call, so it is never far ahead of everything that was recorded. One that is
 * would open windows that nothing has been counted in.
 * @returns one line if it is.
 */
export async function clockAgrees(db: Db, nowMs: number): Promise<string[]> {
  const { rows } = await sql<{ latest: number | null; recorded: number | null }>`
    select (select latest_at from budget_clock) as latest, (select max(at) from (
      select max(created_at) as at from ledger union all select max(finished_at) from ledger union all
      select max(started_at) from ticks union all select max(finished_at) from ticks) as times) as recorded`.execute(
    db,
  );
  const latest = rows[0]?.latest ?? null;
  const recorded = Math.max(nowMs, rows[0]?.recorded ?? 0);
  if (latest === null || latest <= recorded + CLOCK_TOLERANCE_MS) return [];
  return [
    `the budget's clock stands at ${toIso(latest)}, after everything that was recorded (${toIso(recorded)})`,
  ];
}
