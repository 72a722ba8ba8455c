import type { Outbox } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import { type Clock, toIso } from "../../lib/clock.ts";
import { dayIn } from "../../lib/days.ts";
import { AfkError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { budgetNow } from "../../rails/budget-time.ts";
import type { Db } from "../../store/schema.ts";
import { KILL_DRILLS, passedDrills } from "../drills.ts";
import { writeRunLog } from "./run-log.ts";

/** The count of unattended days as `afk clock` and `afk status` show it. */
export interface ClockStatus {
  startedAt: string;
  /** Day 0 of the present count, in the agent's time zone. */
  dayZero: string;
  /** Unattended days in a row that are over. */
  days: number;
  /** The latest day that is over and written down; null for none yet. */
  lastDay: string | null;
}

export interface ClockOffice {
  config: Config;
  version: string;
  outbox: Outbox;
  clock: Clock;
  log: Log;
  db: Db;
}

/** The clock cannot be started or stopped as things are; nothing was changed. */
export class ClockRefused extends AfkError {
  constructor(code: string, message: string) {
    super(code, message, { retry: "never" });
  }
}

/** The present count; null while no clock runs. */
export async function readClock(db: Db): Promise<ClockStatus | null> {
  const row = await db.selectFrom("clock").selectAll().where("id", "=", 1).executeTakeFirst();
  if (row === undefined) return null;
  const last = await db
    .selectFrom("clock_days")
    .select(["day", "count"])
    .where("day", ">=", row.day_zero)
    .orderBy("day", "desc")
    .limit(1)
    .executeTakeFirst();
  return {
    startedAt: toIso(row.started_at),
    dayZero: row.day_zero,
    days: last?.count ?? 0,
    lastDay: last?.day ?? null,
  };
}

/** What has not been seen to work with a version and configuration, in words; nothing when the clock may start. */
export async function missingEvidence(
  db: Db,
  of: { version: string; configHash: string },
): Promise<string[]> {
  const passed = new Set((await passedDrills(db, of)).map(({ name }) => name));
  const kills = KILL_DRILLS.filter((name) => passed.has(name));
  const left = KILL_DRILLS.filter((name) => !passed.has(name));
  return [
    ...(passed.has("cap") ? [] : ["cap has not passed"]),
    ...(kills.length >= KILLS_MIN
      ? []
      : [
          `${kills.length === 0 ? "no kill mechanism has" : `of the kill mechanisms only ${kills.join(", ")} has`} passed, and two different ones are needed (left: ${left.join(", ")})`,
        ]),
  ];
}

const KILLS_MIN = 2;

/**
 * Starts the count with today, in the budget's time, as its Day 0.
 * @throws ClockRefused where it runs already, or a drill is missing for the version and configuration in use.
 */
export async function startClock(office: ClockOffice): Promise<ClockStatus> {
  const { config, version, outbox, clock } = office;
  const of = { version, configHash: configHash(config) };
  await outbox.atomically(async (trx, announce) => {
    const running = await readClock(trx);
    if (running !== null)
      throw new ClockRefused(
        "clock_runs",
        `the clock runs already, since ${running.startedAt}; to begin anew: afk clock stop, then afk clock start`,
      );
    const missing = await missingEvidence(trx, of);
    if (missing.length > 0)
      throw new ClockRefused(
        "clock_unproved",
        `the clock was not started: ${missing.join("; ")} (afk ${version}, configuration ${of.configHash.slice(0, 12)}). Run: afk drill`,
      );
    const today = dayIn(await budgetNow(trx, announce, clock), config.timezone);
    await trx
      .insertInto("clock")
      .values({
        id: 1,
        started_at: clock.nowMs(),
        day_zero: today,
        seen_day: today,
        version,
        config_hash: of.configHash,
      })
      .execute();
  });
  const status = await readClock(office.db);
  if (status === null) throw new ClockRefused("clock_stopped", "the clock was stopped meanwhile");
  office.log.event("info", "clock_started", { dayZero: status.dayZero });
  await writeRunLog(office);
  return status;
}

/** Ends the count; the days that were written stay. @throws ClockRefused where none runs. */
export async function stopClock(office: ClockOffice): Promise<ClockStatus> {
  const ended = await office.outbox.atomically(async (trx) => {
    const running = await readClock(trx);
    if (running === null)
      throw new ClockRefused(
        "no_clock",
        "no clock runs, so that there is none to stop; to begin: afk clock start",
      );
    await trx.deleteFrom("clock").where("id", "=", 1).execute();
    return running;
  });
  office.log.event("info", "clock_stopped", { days: ended.days, dayZero: ended.dayZero });
  await writeRunLog(office);
  return ended;
}
