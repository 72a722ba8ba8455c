import { sql } from "kysely";
import { AfkError } from "../../lib/errors.ts";
import { minuteAt } from "../../rails/windows.ts";
import type { LedgerState, Trx, WindowName } from "../../store/schema.ts";
import type { LedgerDaysTable } from "../../store/schema-retention.ts";
import { createDayStarts } from "./day-starts.ts";
import { type Ages, idAt, nextAfter, ROWS, type Sweep, type Swept } from "./sweep.ts";

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
      await addToDays(trx, sumByDay(old, ages.timezone));
      await takeFromWindows(trx, sumByWindow(old));
      const { numDeletedRows } = await trx
        .deleteFrom("ledger")
        .where(sql<boolean>`id in (select value from json_each(${JSON.stringify(old.map(({ id }) => id))}))`)
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

function sumByDay(entries: readonly OldEntry[], timezone: string): LedgerDaysTable[] {
  const dayStart = createDayStarts(timezone);
  const sums = new Map<string, LedgerDaysTable>();
  for (const entry of entries) {
    const state = entry.state === "settled" ? "settled" : "released";
    const first_at = dayStart(entry.created_at);
    const { day, month, model } = entry;
    const job = entry.job_name ?? "";
    const key = JSON.stringify([first_at, day, month, model, job, state]);
    const sum = sums.get(key) ?? { first_at, day, month, model, job, state, ...NOTHING };
    sum.calls += 1;
    sum.counted += entry.input_tokens === null ? 0 : 1;
    sum.degraded += entry.degraded;
    sum.input_tokens += entry.input_tokens ?? 0;
    sum.output_tokens += entry.output_tokens ?? 0;
    sum.cost_micros += entry.cost_micros ?? 0;
    sum.estimate_micros += entry.estimate_micros;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

const NOTHING = {
  calls: 0,
  counted: 0,
  degraded: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost_micros: 0,
  estimate_micros: 0,
};

async function addToDays(trx: Trx, days: LedgerDaysTable[]): Promise<void> {
  for (const day of days) {
    await trx
      .insertInto("ledger_days")
      .values(day)
      .onConflict((conflict) =>
        conflict.columns(["first_at", "day", "month", "model", "job", "state"]).doUpdateSet((eb) => ({
          calls: eb("ledger_days.calls", "+", day.calls),
          counted: eb("ledger_days.counted", "+", day.counted),
          degraded: eb("ledger_days.degraded", "+", day.degraded),
          input_tokens: eb("ledger_days.input_tokens", "+", day.input_tokens),
          output_tokens: eb("ledger_days.output_tokens", "+", day.output_tokens),
          cost_micros: eb("ledger_days.cost_micros", "+", day.cost_micros),
          estimate_micros: eb("ledger_days.estimate_micros", "+", day.estimate_micros),
        })),
      )
      .execute();
  }
}

interface WindowSum {
  window: WindowName;
  period: string;
  settled: number;
  overrun: number;
}

function sumByWindow(entries: readonly OldEntry[]): WindowSum[] {
  const sums = new Map<string, WindowSum>();
  for (const { tick, job, minute, cost_micros, estimate_micros } of entries) {
    const cost = cost_micros ?? 0;
    for (const [window, period] of [
      ["tick", tick] as const,
      ["job", job] as const,
      ["hour", minute] as const,
    ]) {
      if (period === null) continue;
      const key = `${window} ${period}`;
      const sum = sums.get(key) ?? { window, period, settled: 0, overrun: 0 };
      sum.settled += cost;
      if (cost_micros !== null) sum.overrun += Math.max(0, cost - estimate_micros);
      sums.set(key, sum);
    }
  }
  return [...sums.values()];
}

/** The rows are handed over as JSON: one statement for all of them, whose text does not change with their number. */
async function takeFromWindows(trx: Trx, sums: WindowSum[]): Promise<void> {
  const spent = sums.filter(({ settled }) => settled > 0);
  const taken = await sql`
    update budget_windows set settled_micros = settled_micros - rolled.settled, overrun_micros = overrun_micros - rolled.overrun
    from (${rowsOf(spent)}) as rolled
    where budget_windows."window" = rolled.name and budget_windows.period = rolled.period`.execute(trx);
  refuseUnless(
    Number(taken.numAffectedRows ?? 0) === spent.length,
    "a counter is missing for calls that the ledger has",
  );
  // An open call of no price may still be given one by a person, which its counters must then be there to take.
  await sql`
    delete from budget_windows where settled_micros = 0 and reserved_micros = 0
      and ("window", period) in (select name, period from (${rowsOf(sums)}))
      and not exists (
        select 1 from ledger where state in ('reserved', 'sending', 'unknown') and budget_windows.period =
          case budget_windows."window" when 'tick' then tick when 'job' then job else minute end)`.execute(
    trx,
  );
}

function rowsOf(sums: WindowSum[]) {
  const rows = JSON.stringify(
    sums.map(({ window, period, settled, overrun }) => [window, period, settled, overrun]),
  );
  return sql`select value ->> 0 as name, value ->> 1 as period, value ->> 2 as settled, value ->> 3 as overrun
    from json_each(${rows})`;
}

/** The step is then rolled back whole: what is unclear about money stays as it is, for a person to look at. */
function refuseUnless(isRight: boolean, what: string): void {
  if (isRight) return;
  throw new AfkError("retention_refused", `the ledger was not rolled up: ${what}; look with: afk doctor`);
}
