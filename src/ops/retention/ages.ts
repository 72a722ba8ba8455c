import type { Config } from "../../config/config.ts";
import type { Clock } from "../../lib/clock.ts";
import { dayBounds } from "../../lib/days.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { agingNow } from "../../rails/budget-time.ts";
import type { Db } from "../../store/schema.ts";
import { lastRuns } from "../sources.ts";
import { type Ages, idAt, startOfDay } from "./sweep.ts";
import { WORKED } from "./ticks.ts";

const HISTORY_DAYS = 90;
/** Steps are what a job works with, and hold all that its sources offered. */
const STEPS_DAYS = 14;
const SEEN_DAYS = 180;
/** The figures of an unattended day come from rows that may lie so far beside it (evidence/unattended/day-figures.ts). */
const UNATTENDED_SLACK_DAYS = 40;
/** The page shows 60 ticks, and the watchdog looks for output in the last 200 that had work. */
const TICKS_KEPT = 200;
/** The page looks for a digest's last file among ten names. */
const FILES_KEPT = 10;
/** More old calls than this are a backlog: jobs wait until the ledger is rolled up so far. */
const CALLS_MAX = 10_000;

/**
 * What is old now. No day that the count of unattended days has not written down yet is touched.
 */
export async function readAges(db: Db, config: Config, clock: Clock): Promise<Ages> {
  const { timezone } = config;
  const nowMs = await agingNow(db, clock);
  const running = await db.selectFrom("clock").select("seen_day").where("id", "=", 1).executeTakeFirst();
  const unwritten =
    running === undefined
      ? nowMs
      : dayBounds(running.seen_day, timezone).fromMs - UNATTENDED_SLACK_DAYS * DAY_MS;
  const historyMs = startOfDay(Math.min(nowMs - HISTORY_DAYS * DAY_MS, unwritten), timezone);
  return {
    nowMs,
    historyMs,
    stepsMs: nowMs - STEPS_DAYS * DAY_MS,
    seenMs: nowMs - SEEN_DAYS * DAY_MS,
    timezone,
    keptJobs: await latestRuns(db, config),
    calledJobs: await calledJobs(db, historyMs),
    ticksFrom: { any: await nthNewest(db, []), worked: await nthNewest(db, WORKED) },
  };
}

/** Of every job in afk.yaml its latest runs, as sources.ts finds them, and those of its latest files. */
async function latestRuns(db: Db, { jobs }: Config): Promise<Set<string>> {
  const kept = new Set<string>();
  for (const { name } of jobs) {
    for (const { id } of await lastRuns(db, name)) kept.add(id);
    const files = await db
      .selectFrom("outputs")
      .select("job_id")
      .where("name", ">=", `${name}-0`)
      .where("name", "<", `${name}-:`)
      .orderBy("name", "desc")
      .limit(FILES_KEPT)
      .execute();
    for (const { job_id } of files) kept.add(job_id);
  }
  return kept;
}

/** A roll-up names the job, so a job outlives its calls by a pass. */
async function calledJobs(db: Db, historyMs: number): Promise<Set<string> | null> {
  const calls = await db
    .selectFrom("ledger")
    .select("job")
    .where("id", "<", idAt(historyMs))
    .limit(CALLS_MAX)
    .execute();
  return calls.length === CALLS_MAX ? null : new Set(calls.flatMap(({ job }) => job ?? []));
}

/** Ids of ticks from this one on are kept; an id before all where there are not so many. */
async function nthNewest(db: Db, outcomes: readonly ("ok" | "failed" | "crashed")[]): Promise<string> {
  const row = await db
    .selectFrom("ticks")
    .select("id")
    .$if(outcomes.length > 0, (query) => query.where("outcome", "in", outcomes))
    .orderBy("started_at", "desc")
    .orderBy("id", "desc")
    .offset(TICKS_KEPT - 1)
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? "";
}
