import { configHash } from "../../config/hash.ts";
import { dayIn } from "../../lib/days.ts";
import { AfkError } from "../../lib/errors.ts";
import type { StateAccess } from "../../ops/alerting.ts";
import { readUnattended, type UnattendedStatus } from "../../ops/unattended.ts";
import { budgetNow } from "../../rails/budget-time.ts";
import type { Db } from "../../store/schema.ts";
import { KILL_DRILLS, passedDrills } from "../drills.ts";
import { writeRunLog } from "./run-log.ts";

/** What the count is started and stopped with. */
export type UnattendedSources = StateAccess & { version: string };

/** What has not been seen to work with a version and configuration, in words; nothing when the clock may start. */
export async function missingEvidence(
  db: Db,
  of: { version: string; configHash: string },
): Promise<string[]> {
  const passed = new Set((await passedDrills(db, of)).map(({ name }) => name));
  const { kills = [], left = [] } = Object.groupBy(KILL_DRILLS, (name) =>
    passed.has(name) ? "kills" : "left",
  );
  const some =
    kills.length === 0 ? "no kill mechanism has" : `of the kill mechanisms only ${kills.join(", ")} has`;
  return [
    ...(passed.has("cap") ? [] : ["cap has not passed"]),
    ...(kills.length >= KILLS_MIN
      ? []
      : [`${some} passed, and two different ones are needed (left: ${left.join(", ")})`]),
  ];
}

const KILLS_MIN = 2;

/** The clock cannot be started or stopped as things are; nothing was changed. */
function refuse(code: string, message: string): never {
  throw new AfkError(code, message, { retry: "never" });
}

/**
 * Starts the count with today, in the budget's time, as its Day 0.
 * @throws AfkError where it runs already, or a drill is missing for the version and configuration in use.
 */
export async function startUnattended(sources: UnattendedSources): Promise<UnattendedStatus> {
  const { config, version, store, outbox, clock, log } = sources;
  const config_hash = configHash(config);
  await store.atomically(async (trx) => {
    const running = await readUnattended(trx);
    if (running !== null)
      refuse(
        "clock_runs",
        `the clock runs already, since ${running.startedAt}; to begin anew: afk clock stop, then afk clock start`,
      );
    const missing = await missingEvidence(trx, { version, configHash: config_hash });
    if (missing.length > 0)
      refuse(
        "clock_unproved",
        `the clock was not started: ${missing.join("; ")} (afk ${version}, configuration ${config_hash.slice(0, 12)}). Run: afk drill`,
      );
    const today = dayIn(await budgetNow(trx, outbox.announce, clock), config.timezone);
    const days = { started_at: clock.nowMs(), day_zero: today, seen_day: today };
    await trx
      .insertInto("clock")
      .values({ id: 1, ...days, version, config_hash })
      .execute();
  });
  const status = await readUnattended(store.db);
  if (status === null) refuse("clock_stopped", "the clock was stopped meanwhile");
  log.event("info", "clock_started", { dayZero: status.dayZero });
  await writeRunLog({ config, db: store.db });
  return status;
}

/** Ends the count; the days that were written stay. @throws AfkError where none runs. */
export async function stopUnattended({ config, store, log }: UnattendedSources): Promise<UnattendedStatus> {
  const ended = await store.atomically(async (trx) => {
    const running = await readUnattended(trx);
    if (running === null)
      refuse("no_clock", "no clock runs, so that there is none to stop; to begin: afk clock start");
    await trx.deleteFrom("clock").where("id", "=", 1).execute();
    return running;
  });
  log.event("info", "clock_stopped", { days: ended.days, dayZero: ended.dayZero });
  await writeRunLog({ config, db: store.db });
  return ended;
}
