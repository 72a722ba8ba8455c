import { sql } from "kysely";
import { AfkError } from "../../lib/errors.ts";
import { minuteAt } from "../../rails/windows.ts";
import type { LedgerState, Trx } from "../../store/schema.ts";
import { type Ages, addAmounts, idAt, nextAfter, ROWS, type Sweep, type Swept, startOfDay } from "./sweep.ts";

/**
 * Rolls up ended calls by day, model and job. What stays: every call that has no end yet or is unknown, and every call of
 * a job that may run again, since that job's cap counts it. The windows of days and months keep what they count. Those of
 * ticks, jobs and minutes are taken down by what was rolled up and go when they are empty: nothing can reserve in them
 * any more. So the counters agree with what is left of the ledger after each step, as they did before.
 */
export const ledgerSweep: Sweep = {
  name: "ledger",
  key: "sweep_ledger",
  async step(trx, ages, after): Promise<Swept> {
    const entries = await readOld(trx, ages, after);
    const old = entries.filter((entry) => isOver(entry, ages.historyMs));
    if (old.length > 0) {
      for (const entry of old) await addToDay(trx, entry, ages.timezone);
      for (const sum of sumByWindow(old)) await takeFromWindow(trx, sum);
      const { numDeletedRows } = await trx
        .deleteFrom("ledger")
        .where(
          "id",
          "in",
          old.map(({ id }) => id),
        )
        .executeTakeFirstOrThrow();
      refuseUnless(Number(numDeletedRows) === old.length, "entries changed while they were rolled up");
    }
    return { removed: old.length, next: nextAfter(entries) };
  },
};

interface OldEntry {
  id: string;
  state: LedgerState;
  model: string;
  created_at: number;
  finished_at: number | null;
  estimate_micros: number;
  cost_micros: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  degraded: number;
  minute: string;
  day: string;
  month: string;
  job: string | null;
  tick: string | null;
  job_name: string | null;
  job_state: string | null;
  letter: string | null;
}

async function readOld(trx: Trx, ages: Ages, after: string): Promise<OldEntry[]> {
  return await trx
    .selectFrom("ledger")
    .leftJoin("jobs", "jobs.key", "ledger.job")
    .leftJoin("dead_letters", "dead_letters.job_id", "jobs.id")
    .select([
      "ledger.id",
      "ledger.state",
      "ledger.model",
      "ledger.created_at",
      "ledger.finished_at",
      "ledger.estimate_micros",
      "ledger.cost_micros",
      "ledger.input_tokens",
      "ledger.output_tokens",
      "ledger.degraded",
      "ledger.minute",
      "ledger.day",
      "ledger.month",
      "ledger.job",
      "ledger.tick",
      "jobs.name as job_name",
      "jobs.state as job_state",
      "dead_letters.job_id as letter",
    ])
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
    (entry.job_state === "dead" && entry.letter === null);
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
  const { day, month, model, job_name, state, input_tokens } = entry;
  const first_at = startOfDay(entry.created_at, timezone);
  await addAmounts(
    trx,
    "ledger_days",
    { first_at, day, month, model, job: job_name ?? "", state },
    {
      calls: 1,
      counted: input_tokens === null ? 0 : 1,
      degraded: entry.degraded,
      input_tokens: input_tokens ?? 0,
      output_tokens: entry.output_tokens ?? 0,
      cost_micros: entry.cost_micros ?? 0,
      estimate_micros: entry.estimate_micros,
    },
  );
}

/** The windows that go with what they counted, and the column of the ledger that names their period. */
const WINDOWS = [
  ["tick", "tick"],
  ["job", "job"],
  ["hour", "minute"],
] as const;

interface WindowSum {
  window: (typeof WINDOWS)[number];
  period: string;
  settled: number;
  overrun: number;
}

function sumByWindow(entries: readonly OldEntry[]): WindowSum[] {
  return WINDOWS.flatMap((window) => {
    const sums = new Map<string, WindowSum>();
    for (const entry of entries) {
      const period = entry[window[1]];
      if (period === null) continue;
      const sum = sums.get(period) ?? { window, period, settled: 0, overrun: 0 };
      sum.settled += entry.cost_micros ?? 0;
      sum.overrun += Math.max(0, (entry.cost_micros ?? 0) - entry.estimate_micros);
      sums.set(period, sum);
    }
    return [...sums.values()];
  });
}

async function takeFromWindow(trx: Trx, { window, period, settled, overrun }: WindowSum): Promise<void> {
  const [name, column] = window;
  if (settled > 0) {
    const { numUpdatedRows } = await trx
      .updateTable("budget_windows")
      .set((eb) => ({
        settled_micros: eb("settled_micros", "-", settled),
        overrun_micros: eb("overrun_micros", "-", overrun),
      }))
      .where("window", "=", name)
      .where("period", "=", period)
      .executeTakeFirstOrThrow();
    refuseUnless(numUpdatedRows === 1n, "a counter is missing for calls that the ledger has");
  }
  await trx
    .deleteFrom("budget_windows")
    .where("window", "=", name)
    .where("period", "=", period)
    .where("settled_micros", "=", 0)
    .where("reserved_micros", "=", 0)
    // A person may yet give an open call of no price a cost, and its counters must then be there to take it.
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("ledger")
            .select("id")
            // In the words of the index of open calls.
            .where(sql<boolean>`state in ('reserved', 'sending', 'unknown')`)
            .where(column, "=", period),
        ),
      ),
    )
    .execute();
}

/** The step is then rolled back whole: what is unclear about money stays as it is, for a person to look at. */
function refuseUnless(isRight: boolean, what: string): void {
  if (isRight) return;
  throw new AfkError("retention_refused", `the ledger was not rolled up: ${what}; look with: afk doctor`);
}
