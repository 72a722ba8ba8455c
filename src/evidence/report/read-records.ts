import { type Selectable, sql } from "kysely";
import { dayIn } from "../../lib/days.ts";
import type { IncidentsTable } from "../../store/schema/evidence.ts";
import type { Db } from "../../store/schema.ts";
import type { Span } from "./read-money.ts";

/** Ticks by how they ended. */
export interface TickSums {
  ticks: number;
  /** Work was done. */
  ok: number;
  /** There was none. */
  idle: number;
  /** A rail stopped it on purpose. */
  halted: number;
  failed: number;
  crashed: number;
  running: number;
  /** Begun by a person. */
  byHand: number;
}

/** What a span without ticks has. */
export const NO_TICKS: TickSums = {
  ticks: 0,
  ok: 0,
  idle: 0,
  halted: 0,
  failed: 0,
  crashed: 0,
  running: 0,
  byHand: 0,
};

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

/** Both sums together. */
export function addTicks(a: TickSums, b: TickSums): TickSums {
  const names = Object.keys(a) as (keyof TickSums)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as TickSums;
}

/**
 * The share of ticks that went well, 0 to 1, of those that went well or badly: one that a rail stopped on purpose is
 * neither. Null where there is none.
 */
export function successRate({ ok, idle, failed, crashed }: TickSums): number | null {
  const ended = ok + idle + failed + crashed;
  return ended === 0 ? null : (ok + idle) / ended;
}

/** The incidents of a span. */
export interface IncidentSums {
  /** Opened in the span, or before it and still lasting. */
  total: number;
  /** Not seen to be over, and not closed. */
  lasting: number;
  /** Over, and nobody has written down cause, fix and prevention. */
  unexplained: number;
  /** From first sign to recovery, of those that recovered; null where none has. */
  medianRecoveryMs: number | null;
  longestRecoveryMs: number | null;
  /** The newest, at most `LISTED_MAX`. */
  newest: Incident[];
}

interface Incident {
  id: string;
  event: string;
  title: string;
  openedAt: number;
  count: number;
  /** Null while it lasts, and where it was closed without being seen to recover. */
  recoveryMs: number | null;
  isClosed: boolean;
  cause: string | null;
  fix: string | null;
  prevention: string | null;
  /** The tick whose trace shows it. */
  tick: string | null;
}

const LISTED_MAX = 20;
/** More than a report can be about: one for a cause while it lasts. */
const READ_MAX = 10_000;

/** The incidents that were opened in a span, and those from before that still last. */
export async function readIncidents(db: Db, { fromMs, untilMs }: Span): Promise<IncidentSums> {
  const rows = await db
    .selectFrom("incidents")
    .selectAll()
    .where("opened_at", "<", untilMs)
    .where((eb) =>
      eb.or([
        eb("opened_at", ">=", fromMs),
        eb.and([eb("recovered_at", "is", null), eb("closed_at", "is", null)]),
      ]),
    )
    .orderBy("opened_at", "desc")
    .limit(READ_MAX)
    .execute();
  const all = rows.map(toIncident);
  const isOver = (row: Incident) => row.isClosed || row.recoveryMs !== null;
  const recoveries = all.flatMap(({ recoveryMs }) => recoveryMs ?? []).sort((a, b) => a - b);
  return {
    total: all.length,
    lasting: all.filter((row) => !isOver(row)).length,
    unexplained: all.filter((row) => isOver(row) && !row.isClosed).length,
    medianRecoveryMs: recoveries[Math.floor((recoveries.length - 1) / 2)] ?? null,
    longestRecoveryMs: recoveries.at(-1) ?? null,
    newest: all.slice(0, LISTED_MAX),
  };
}

function toIncident(row: Selectable<IncidentsTable>): Incident {
  return {
    id: row.id,
    event: row.event,
    title: row.title,
    openedAt: row.opened_at,
    count: row.count,
    recoveryMs: row.recovered_at === null ? null : Math.max(0, row.recovered_at - row.opened_at),
    isClosed: row.closed_at !== null,
    cause: row.cause,
    fix: row.fix,
    prevention: row.prevention,
    tick: row.tick,
  };
}

/** The runs of one drill within a span. */
export interface DrillSum {
  name: string;
  runs: number;
  passed: number;
  lastAt: number;
  hasLastPassed: boolean;
}

/** The clock of unattended days. */
export interface DaySums {
  /** Whether `afk clock start` was ever accepted. */
  isStarted: boolean;
  /** The count after the last day that is over. */
  count: number;
  /** The most that the count reached in the span. */
  longest: number;
  /** Days of the span that are over. */
  days: number;
  attended: number;
}

/** The drills that ended in a span, by name. */
export async function readDrills(db: Db, { fromMs, untilMs }: Span): Promise<DrillSum[]> {
  const sums = await db
    .selectFrom("drills")
    .select((eb) => [
      "name",
      eb.fn.countAll<number>().as("runs"),
      eb.fn.sum<number>("passed").as("passed"),
      // Ids sort by the moment they were made.
      eb.fn.max<string>("id").as("last"),
    ])
    .where("finished_at", ">=", fromMs)
    .where("finished_at", "<", untilMs)
    .groupBy("name")
    .orderBy("name")
    .execute();
  if (sums.length === 0) return [];
  const lasts = await db
    .selectFrom("drills")
    .select(["id", "passed", "finished_at"])
    .where(
      "id",
      "in",
      sums.map(({ last }) => last),
    )
    .execute();
  const byId = new Map(lasts.map((row) => [row.id, row]));
  return sums.map(({ name, runs, passed, last }) => ({
    name,
    runs: Number(runs),
    passed: Number(passed),
    lastAt: byId.get(last)?.finished_at ?? 0,
    hasLastPassed: byId.get(last)?.passed === 1,
  }));
}

/** The unattended days that ended in a span, and the count as it is. */
export async function readDays(db: Db, { fromMs, untilMs }: Span, timezone: string): Promise<DaySums> {
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
    isStarted: clock !== undefined,
    count: newest?.count ?? 0,
    longest: Number(sums.longest ?? 0),
    days: Number(sums.days),
    attended: Number(sums.attended ?? 0),
  };
}
