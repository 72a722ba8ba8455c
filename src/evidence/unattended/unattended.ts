import type { Outbox } from "../../alerts/outbox.ts";
import type { Config } from "../../config/config.ts";
import { configHash } from "../../config/hash.ts";
import type { Clock } from "../../lib/clock.ts";
import { dayIn } from "../../lib/days.ts";
import { AfkError } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { readUnattended, type UnattendedStatus } from "../../ops/unattended.ts";
import { budgetNow } from "../../rails/budget-time.ts";
import type { Db } from "../../store/schema.ts";
import type { Store } from "../../store/store.ts";
import { KILL_DRILLS, passedDrills } from "../drills.ts";
import { writeRunLog } from "./run-log.ts";

/** What the count is started and stopped with. */
export interface UnattendedSources {
  config: Config;
  version: string;
  store: Store;
  outbox: Outbox;
  clock: Clock;
  log: Log;
}

/** The clock cannot be started or stopped as things are; nothing was changed. */
class UnattendedRefused extends AfkError {
  constructor(code: string, message: string) {
    super(code, message, { retry: "never" });
  }
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
 * @throws UnattendedRefused where it runs already, or a drill is missing for the version and configuration in use.
 */
export async function startUnattended(sources: UnattendedSources): Promise<UnattendedStatus> {
  const { config, version, store, outbox, clock } = sources;
  const of = { version, configHash: configHash(config) };
  await store.atomically(async (trx) => {
    const running = await readUnattended(trx);
    if (running !== null)
      throw new UnattendedRefused(
        "clock_runs",
        `the clock runs already, since ${running.startedAt}; to begin anew: afk clock stop, then afk clock start`,
      );
    const missing = await missingEvidence(trx, of);
    if (missing.length > 0)
      throw new UnattendedRefused(
        "clock_unproved",
        `the clock was not started: ${missing.join("; ")} (afk ${version}, configuration ${of.configHash.slice(0, 12)}). Run: afk drill`,
      );
    const today = dayIn(await budgetNow(trx, outbox.announce, clock), config.timezone);
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
  const status = await readUnattended(sources.store.db);
  if (status === null) throw new UnattendedRefused("clock_stopped", "the clock was stopped meanwhile");
  sources.log.event("info", "clock_started", { dayZero: status.dayZero });
  await writeRunLog({ config: sources.config, db: sources.store.db });
  return status;
}

/** Ends the count; the days that were written stay. @throws UnattendedRefused where none runs. */
export async function stopUnattended(sources: UnattendedSources): Promise<UnattendedStatus> {
  const ended = await sources.store.atomically(async (trx) => {
    const running = await readUnattended(trx);
    if (running === null)
      throw new UnattendedRefused(
        "no_clock",
        "no clock runs, so that there is none to stop; to begin: afk clock start",
      );
    await trx.deleteFrom("clock").where("id", "=", 1).execute();
    return running;
  });
  sources.log.event("info", "clock_stopped", { days: ended.days, dayZero: ended.dayZero });
  await writeRunLog({ config: sources.config, db: sources.store.db });
  return ended;
}
