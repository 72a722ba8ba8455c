import { dayIn } from "../../lib/days.ts";
import type { Db } from "../../store/schema.ts";
import type { Span } from "./read-money.ts";

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
