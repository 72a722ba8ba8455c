import { AfkError } from "../../lib/errors.ts";
import { CALENDAR_WINDOWS, OWNERS } from "../../lib/windows.ts";
import { countersOf, minuteAt, scopeOf } from "../../rails/windows.ts";
import type { Trx } from "../../store/schema.ts";
import { type Ages, addAmounts, deleteRows, idAt, nextAfter, ROWS, type Sweep, startOfDay } from "./sweep.ts";

/**
 * Rolls up ended calls by day, model and job. What stays: every call that has no end yet or is unknown, and every call of
 * a job that may run again, since that job's cap counts it. The windows of days and months keep what they count. Those of
 * ticks, jobs and minutes are taken down by what was rolled up and go when they are empty: nothing can reserve in them
 * any more. So the counters agree with what is left of the ledger after each step, as they did before.
 */
export const ledgerSweep: Sweep = {
  name: "ledger",
  async step(trx, ages, after) {
    const entries = await readOld(trx, ages, after);
    const old = entries.filter((entry) => isOver(entry, ages.historyMs));
    for (const entry of old) {
      await addToDay(trx, entry, ages.timezone);
      await takeFromWindows(trx, entry);
    }
    const removed = await deleteRows(trx, "ledger", old);
    refuseUnless(removed === old.length, "entries changed while they were rolled up");
    return { removed, next: nextAfter(entries) };
  },
};

type OldEntry = Awaited<ReturnType<typeof readOld>>[number];

async function readOld(trx: Trx, ages: Ages, after: string) {
  return await trx
    .selectFrom("ledger")
    .leftJoin("jobs", "jobs.key", "ledger.job")
    .leftJoin("dead_letters", "dead_letters.job_id", "jobs.id")
    .selectAll("ledger")
    .select(["jobs.state as job_state", "dead_letters.job_id as dead_letter"])
    .where("ledger.id", ">", after)
    .where("ledger.id", "<", idAt(ages.historyMs))
    .orderBy("ledger.id")
    .limit(ROWS)
    .execute();
}

/** A job without a row is one that was never queued: a guarded call of the library. */
function isOver(entry: OldEntry, historyMs: number): boolean {
  const isEnded = entry.state === "settled" || entry.state === "released";
  const isJobOver =
    entry.job_state === null ||
    entry.job_state === "done" ||
    (entry.job_state === "dead" && entry.dead_letter === null);
  return (
    isEnded &&
    isJobOver &&
    entry.created_at < historyMs &&
    // What a person has reconciled lately is news, however old the call is.
    (entry.finished_at ?? 0) < historyMs &&
    // By the budget's clock too: a wall clock that ran far behind must not empty a window that still counts.
    entry.minute < minuteAt(historyMs)
  );
}

async function addToDay(trx: Trx, entry: OldEntry, timezone: string): Promise<void> {
  const { model, state, input_tokens } = entry;
  const first_at = startOfDay(entry.created_at, timezone);
  const periods = Object.fromEntries(CALENDAR_WINDOWS.map(({ name, column }) => [name, entry[column]]));
  const owners = Object.fromEntries(OWNERS.map(({ name, column }) => [name, entry[column] ?? ""]));
  await addAmounts(
    trx,
    "ledger_days",
    { first_at, ...periods, ...owners, model, state },
    {
      calls: 1,
      counted: input_tokens === null ? 0 : 1,
      degraded: entry.degraded,
      input_tokens: input_tokens ?? 0,
      output_tokens: entry.output_tokens ?? 0,
      cost_micros: entry.cost_micros ?? 0,
      cost_tokens: entry.cost_tokens ?? 0,
      estimate_micros: entry.estimate_micros,
    },
  );
}

/** Takes an entry out of the windows that go with what they counted: all but those of the calendar. */
async function takeFromWindows(trx: Trx, entry: OldEntry): Promise<void> {
  const kept: readonly string[] = CALENDAR_WINDOWS.map(({ name }) => name);
  const counters = countersOf(entry, scopeOf(entry)).filter(({ window }) => !kept.includes(window));
  const { cost_micros: micros, cost_tokens: tokens } = entry;
  for (const { window, scope, period } of counters) {
    if (micros !== null && tokens !== null) {
      const { numUpdatedRows } = await trx
        .updateTable("budget_windows")
        .set((eb) => ({
          settled_micros: eb("settled_micros", "-", micros),
          settled_tokens: eb("settled_tokens", "-", tokens),
          settled_calls: eb("settled_calls", "-", 1),
          overrun_micros: eb("overrun_micros", "-", Math.max(0, micros - entry.estimate_micros)),
          overrun_tokens: eb("overrun_tokens", "-", Math.max(0, tokens - entry.estimate_tokens)),
        }))
        .where((eb) => eb.and({ window, scope, period }))
        .executeTakeFirstOrThrow();
      refuseUnless(numUpdatedRows === 1n, "a counter is missing for calls that the ledger has");
    }
    // A call that is open or unknown is counted as one, and keeps the counters that its cost will be put into.
    await trx
      .deleteFrom("budget_windows")
      .where((eb) => eb.and({ window, scope, period, settled_calls: 0, reserved_calls: 0 }))
      .execute();
  }
}

/** The step is then rolled back whole: what is unclear about money stays as it is, for a person to look at. */
function refuseUnless(isRight: boolean, what: string): void {
  if (isRight) return;
  throw new AfkError("retention_refused", `the ledger was not rolled up: ${what}; look with: afk doctor`);
}
