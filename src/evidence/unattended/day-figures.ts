import { sql } from "kysely";
import type { Config } from "../../config/config.ts";
import { dayBounds } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { newId } from "../../lib/ids.ts";
import type { Db } from "../../store/schema.ts";
import { readRuns } from "../report/read-money.ts";
import { readTicks } from "../report/read-records.ts";
import { worthOf } from "../report/sums.ts";

/** What a day came to, as its row says it: instants are those of the wall clock, money that of the budget's day. */
export async function dayFigures(db: Db, day: string, config: Config) {
  const span = dayBounds(day, config.timezone);
  const { fromMs, untilMs } = span;
  // The index is on the moment; a budget's day may lie a day beside the wall clock's, and is looked for around it.
  const { rows } = await sql<Record<"outputs" | "incidents" | "cost", number | null>>`select
    (select count(*) from outputs where created_at >= ${fromMs} and created_at < ${untilMs}) as outputs,
    (select count(*) from incidents where opened_at >= ${fromMs} and opened_at < ${untilMs}) as incidents,
    (select sum(coalesce(cost_micros, estimate_micros)) from ledger
      where created_at >= ${fromMs - SLACK_MS} and created_at < ${untilMs + SLACK_MS}
        and day = ${day} and state in ('settled', 'unknown', 'sending')) as cost`.execute(db);
  const { outputs, incidents, cost } = rows[0] ?? {};
  const { ticks, failed, crashed } = await readTicks(db, span);
  const { units, valueMicros } = worthOf([], await readRuns(db, span), config);
  return {
    ticks,
    outputs: Number(outputs ?? 0),
    units,
    failures: failed + crashed,
    cost_micros: Number(cost ?? 0),
    value_micros: valueMicros,
    incidents: Number(incidents ?? 0),
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
  if (jobs.length > 0) return jobs.map(({ name }) => name);
  const { rows } = await sql`
    select 1 as found from ticks where started_at >= ${fromMs} and started_at < ${untilMs} and by_hand = 1
    union all
    select 1 as found from alerts where event = 'day_attended' and occurrence = ${day} limit 1`.execute(db);
  return rows.length === 0 ? [] : ["a person's hand"];
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
