import { type RawBuilder, sql } from "kysely";
import { toIso } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import type { Db } from "../store/schema.ts";

/**
 * Derives every window's counter again from the ledger, with what retention has rolled up of it, and compares. The windows
 * of ticks, jobs and hours count only what is still in the ledger.
 * @returns one line for each counter that differs.
 */
export async function countersAgree(db: Db): Promise<string[]> {
  const windows = [
    ["tick", "tick", NOTHING_ROLLED],
    ["job", "job", NOTHING_ROLLED],
    ["hour", "minute", NOTHING_ROLLED],
    ["day", "day", rolledBy(sql`day`)],
    ["month", "month", rolledBy(sql`month`)],
  ] as const;
  // Both sides in one pile and each period summed up once: joining them would compare every period with every other.
  const compared = windows.map(
    ([window, column, rolled]) => sql`
    select * from (
      select ${sql.lit(window)} as "window", period, sum(counted_settled) || '/' || sum(counted_reserved) as counted,
        sum(settled) || '/' || sum(reserved) as derived
      from (
        select period, settled_micros as counted_settled, reserved_micros as counted_reserved, 0 as settled, 0 as reserved
        from budget_windows where "window" = ${sql.lit(window)}
        union all
        select ${sql.ref(column)}, 0, 0, case when state = 'settled' then cost_micros else 0 end,
          case when state in ('reserved', 'sending', 'unknown') then estimate_micros else 0 end
        from ledger where ${sql.ref(column)} is not null${rolled}
      )
      group by period
      having sum(counted_settled) <> sum(settled) or sum(counted_reserved) <> sum(reserved)
      limit 100
    ) as compared`,
  );
  const { rows } = await sql<{ window: string; period: string; counted: string; derived: string }>`
    ${sql.join(compared, sql` union all `)}`.execute(db);
  return rows.map(
    ({ window, period, counted, derived }) =>
      `${window} ${period}: counted ${counted}, ledger says ${derived} (settled/reserved micro-dollars)`,
  );
}

const NOTHING_ROLLED = sql``;

function rolledBy(period: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql` union all select ${period}, 0, 0, cost_micros, 0 from ledger_days`;
}

/** How far the budget's clock may be ahead of the records that were written with it. */
const CLOCK_TOLERANCE_MS = 10 * MINUTE_MS;

/**
 * The budget's clock is read with every call, so it is never far ahead of everything that was recorded. One that is
 * would open windows that nothing has been counted in.
 * @returns one line if it is.
 */
export async function clockAgrees(db: Db, nowMs: number): Promise<string[]> {
  const { rows } = await sql<{ latest: number | null; recorded: number }>`
    select (select latest_at from budget_clock) as latest, max(
      coalesce((select max(max(created_at, coalesce(finished_at, 0))) from ledger), 0),
      coalesce((select max(max(started_at, coalesce(finished_at, 0))) from ticks), 0)
    ) as recorded`.execute(db);
  const latest = rows[0]?.latest ?? 0;
  const recorded = Math.max(nowMs, rows[0]?.recorded ?? 0);
  if (latest <= recorded + CLOCK_TOLERANCE_MS) return [];
  return [
    `the budget's clock stands at ${toIso(latest)}, after everything that was recorded (${toIso(recorded)})`,
  ];
}
