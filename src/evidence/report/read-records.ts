import { sql } from "kysely";
import { dayIn } from "../../lib/days.ts";
import type { Db } from "../../store/schema.ts";
import type { Span } from "./read-money.ts";

/** What a span without ticks has: ticks by how they ended, and those that a person began. */
export const NO_TICKS = { ticks: 0, ok: 0, idle: 0, halted: 0, failed: 0, crashed: 0, running: 0, byHand: 0 };

/** Ticks by how they ended. */
export type TickSums = typeof NO_TICKS;

/** The ticks that began in a span; those that retention has rolled up by the day they began on. */
export async function readTicks(db: Db, { fromMs, untilMs }: Span): Promise<TickSums> {
  const { rows } = await sql<{ outcome: keyof TickSums; count: number; by_hand: number }>`
    select outcome, sum(ticks) as count, sum(by_hand) as by_hand from (
      select outcome, count(*) as ticks, sum(by_hand) as by_hand from ticks
      where started_at >= ${fromMs} and started_at < ${untilMs} group by outcome
      union all
      select outcome, ticks, by_hand from tick_days where first_at >= ${fromMs} and first_at < ${untilMs}
    ) as begun group by outcome`.execute(db);
  const sums = { ...NO_TICKS };
  for (const row of rows) {
    sums[row.outcome] += Number(row.count);
    sums.ticks += Number(row.count);
    sums.byHand += Number(row.by_hand);
  }
  return sums;
}

/**
 * The share of ticks that went well, 0 to 1, of those that went well or badly: one that a rail stopped on purpose is
 * neither. Null where there is none.
 */
export function successRate({ ok, idle, failed, crashed }: TickSums): number | null {
  const ended = ok + idle + failed + crashed;
  return ended === 0 ? null : (ok + idle) / ended;
}

/** So many of the newest incidents are listed. */
const LISTED_MAX = 20;
/** More than a report can be about: one for a cause while it lasts. */
const READ_MAX = 10_000;

/**
 * The incidents that were opened in a span, and those from before that still last. Recovery is from the first sign to the
 * end, null while it lasts and where it was closed without being seen to recover. `unexplained` are over, and nobody has
 * written down cause, fix and prevention.
 */
export async function readIncidents(db: Db, { fromMs, untilMs }: Span) {
  const rows = await db
    .selectFrom("incidents")
    .select(["id", "event", "title", "opened_at as openedAt", "count", "recovered_at", "closed_at"])
    .select(["cause", "fix", "prevention", "tick"])
    .where("opened_at", "<", untilMs)
    .where((eb) =>
      eb.or([
        eb("opened_at", ">=", fromMs),
        eb.and([eb("recovered_at", "is", null), eb("closed_at", "is", null)]),
      ]),
    )
    .orderBy("opened_at", "desc")
    .orderBy("id", "desc")
    .limit(READ_MAX)
    .execute();
  const all = rows.map(({ recovered_at, closed_at, ...row }) => ({
    ...row,
    recoveryMs: recovered_at === null ? null : Math.max(0, recovered_at - row.openedAt),
    isClosed: closed_at !== null,
  }));
  const open = all.filter(({ isClosed }) => !isClosed);
  const recoveries = all.flatMap(({ recoveryMs }) => recoveryMs ?? []).sort((a, b) => a - b);
  return {
    total: all.length,
    lasting: open.filter(({ recoveryMs }) => recoveryMs === null).length,
    unexplained: open.filter(({ recoveryMs }) => recoveryMs !== null).length,
    medianRecoveryMs: recoveries[Math.floor((recoveries.length - 1) / 2)] ?? null,
    longestRecoveryMs: recoveries.at(-1) ?? null,
    newest: all.slice(0, LISTED_MAX),
  };
}

/** The drills that ended in a span, by name. */
export async function readDrills(db: Db, { fromMs, untilMs }: Span) {
  const rows = await db
    .selectFrom("drills")
    .select(["name", "passed", "finished_at"])
    .where("finished_at", ">=", fromMs)
    .where("finished_at", "<", untilMs)
    .orderBy("name")
    // Ids sort by the moment they were made.
    .orderBy("id")
    .limit(READ_MAX)
    .execute();
  return [...Map.groupBy(rows, ({ name }) => name)].map(([name, runs]) => ({
    name,
    runs: runs.length,
    passed: runs.filter(({ passed }) => passed === 1).length,
    lastAt: runs.at(-1)?.finished_at ?? 0,
    hasLastPassed: runs.at(-1)?.passed === 1,
  }));
}

/** The unattended days that ended in a span, the count as it is, and the most that it reached in the span. */
export async function readDays(db: Db, { fromMs, untilMs }: Span, timezone: string) {
  const clock = await db.selectFrom("clock").select("day_zero").executeTakeFirst();
  const newest = await db
    .selectFrom("clock_days")
    .select("count")
    .orderBy("day", "desc")
    .limit(1)
    .executeTakeFirst();
  const sums = await db
    .selectFrom("clock_days")
    .select((eb) => [
      eb.fn.countAll<number>().as("days"),
      eb.fn.sum<number | null>("attended").as("attended"),
      eb.fn.max<number | null>("count").as("longest"),
    ])
    .where("day", ">=", dayIn(fromMs, timezone))
    .where("day", "<=", dayIn(untilMs - 1, timezone))
    .executeTakeFirstOrThrow();
  return {
    /** Whether `afk clock start` was ever accepted. */
    isStarted: clock !== undefined,
    count: newest?.count ?? 0,
    longest: Number(sums.longest ?? 0),
    days: Number(sums.days),
    attended: Number(sums.attended ?? 0),
  };
}
