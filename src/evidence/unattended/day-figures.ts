import type { Config } from "../../config/config.ts";
import { dayBounds } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { newId } from "../../lib/ids.ts";
import type { Db } from "../../store/schema.ts";
import { readRuns } from "../report/read-money.ts";
import { readTicks } from "../report/read-records.ts";
import { worthOf } from "../report/sums.ts";

/** What a day came to; its instants are those of the wall clock, its money that of the budget's day. */
interface DayFigures {
  ticks: number;
  outputs: number;
  units: number;
  /** Ticks that failed or crashed. */
  failures: number;
  costMicros: number;
  /** What the units save, before what they cost. */
  valueMicros: number;
  /** Incidents that began. */
  incidents: number;
}

/** What a day came to, from the rows of that day. */
export async function dayFigures(db: Db, day: string, config: Config): Promise<DayFigures> {
  const span = dayBounds(day, config.timezone);
  const { fromMs, untilMs } = span;
  const outputs = await db
    .selectFrom("outputs")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("created_at", ">=", fromMs)
    .where("created_at", "<", untilMs)
    .executeTakeFirstOrThrow();
  const incidents = await db
    .selectFrom("incidents")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("opened_at", ">=", fromMs)
    .where("opened_at", "<", untilMs)
    .executeTakeFirstOrThrow();
  const cost = await db
    .selectFrom("ledger")
    .select((eb) => eb.fn.sum<number>(eb.fn.coalesce("cost_micros", "estimate_micros")).as("micros"))
    .where("day", "=", day)
    // The index is on the moment; a budget's day may lie a day beside the wall clock's, and is looked for around it.
    .where("created_at", ">=", fromMs - SLACK_MS)
    .where("created_at", "<", untilMs + SLACK_MS)
    .where("state", "in", ["settled", "unknown", "sending"])
    .executeTakeFirstOrThrow();
  const { ticks, failed, crashed } = await readTicks(db, span);
  const { units, savedMicros } = worthOf([], await readRuns(db, span), config);
  return {
    ticks,
    outputs: Number(outputs.count),
    units,
    valueMicros: savedMicros,
    failures: failed + crashed,
    costMicros: Number(cost.micros ?? 0),
    incidents: Number(incidents.count),
  };
}

const SLACK_MS = 40 * DAY_MS;

/** Names of what a person made run on a day; none when the agent did all by itself. */
export async function workByHand(db: Db, day: string, timezone: string): Promise<string[]> {
  const { fromMs, untilMs } = dayBounds(day, timezone);
  const jobs = await db
    .selectFrom("jobs")
    .select("name")
    .distinct()
    // Ids begin with the moment, and of all columns they have an index; the moment itself decides.
    .where("id", ">=", newId(fromMs).slice(0, 10))
    .where("by_hand", "=", 1)
    .where("created_at", ">=", fromMs)
    .where("created_at", "<", untilMs)
    .orderBy("name")
    .limit(NAMES_MAX)
    .execute();
  const tick = await db
    .selectFrom("ticks")
    .select("id")
    .where("started_at", ">=", fromMs)
    .where("started_at", "<", untilMs)
    .where("by_hand", "=", 1)
    .limit(1)
    .executeTakeFirst();
  const told = await db
    .selectFrom("alerts")
    .select("id")
    .where("event", "=", "day_attended")
    .where("occurrence", "=", day)
    .executeTakeFirst();
  if (jobs.length > 0) return jobs.map(({ name }) => name);
  return tick === undefined && told === undefined ? [] : ["a person's hand"];
}

const NAMES_MAX = 5;

/**
 * Whether the kill switch was set on a day, or still was: none of its ticks did anything but see it. Whoever clears it is
 * a person, so that such a day was not one on which the agent ran by itself.
 */
export async function wasStopped(db: Db, day: string, timezone: string): Promise<boolean> {
  const { fromMs, untilMs } = dayBounds(day, timezone);
  const kill = await db
    .selectFrom("alerts")
    .select("created_at")
    .where("event", "=", "kill_set")
    .where("created_at", "<", untilMs)
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
  if (kill === undefined) return false;
  if (kill.created_at >= fromMs) return true;
  const worked = await db
    .selectFrom("ticks")
    .select("id")
    .where("started_at", ">", kill.created_at)
    .where("started_at", "<", untilMs)
    .where("outcome", "in", ["ok", "idle", "failed"])
    .limit(1)
    .executeTakeFirst();
  return worked === undefined;
}
