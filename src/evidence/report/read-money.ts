import { sql } from "kysely";
import type { LedgerState } from "../../store/schema/rails.ts";
import type { Db } from "../../store/schema.ts";

/** The calls of one model for one job that ended in one way, within a span. Money in micro-dollars. */
export interface CallSum {
  model: string;
  /** The job's name in afk.yaml; null for calls of the library, and of a job that is not known any more. */
  job: string | null;
  state: LedgerState;
  calls: number;
  /** Calls whose tokens the provider counted. */
  counted: number;
  degraded: number;
  inputTokens: number;
  outputTokens: number;
  costMicros: number;
  estimateMicros: number;
}

/** The finished runs of one job within a span. */
export interface RunSum {
  job: string;
  runs: number;
  units: number;
}

/** A span of time in epoch milliseconds. */
export interface Span {
  fromMs: number;
  /** Not part of it. */
  untilMs: number;
}

/** The calls made in a span, added up by model, job and state. */
export async function readCalls(db: Db, span: Span): Promise<CallSum[]> {
  const sums = new Map<string, CallSum>();
  for (const each of [...(await inLedger(db, span)), ...(await inDays(db, span))]) {
    const key = JSON.stringify([each.model, each.job, each.state]);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, each);
    else for (const name of AMOUNTS) sum[name] += each[name];
  }
  return [...sums.values()];
}

const AMOUNTS = [
  "calls",
  "counted",
  "degraded",
  "inputTokens",
  "outputTokens",
  "costMicros",
  "estimateMicros",
] as const satisfies readonly (keyof CallSum)[];

async function inLedger(db: Db, { fromMs, untilMs }: Span): Promise<CallSum[]> {
  const { rows } = await sql<CallSum>`
    select model, job_name as job, state, count(*) as calls, count(input_tokens) as counted, sum(degraded) as degraded,
      coalesce(sum(input_tokens), 0) as "inputTokens", coalesce(sum(output_tokens), 0) as "outputTokens",
      coalesce(sum(cost_micros), 0) as "costMicros", sum(estimate_micros) as "estimateMicros"
    from ledger where created_at >= ${fromMs} and created_at < ${untilMs} group by model, job_name, state`.execute(
    db,
  );
  return rows.map(withNumbers);
}

/** Days that retention has rolled up. One belongs to the span that has its first instant. */
async function inDays(db: Db, { fromMs, untilMs }: Span): Promise<CallSum[]> {
  const { rows } = await sql<CallSum>`
    select model, nullif(job, '') as job, state, sum(calls) as calls, sum(counted) as counted, sum(degraded) as degraded,
      sum(input_tokens) as "inputTokens", sum(output_tokens) as "outputTokens", sum(cost_micros) as "costMicros",
      sum(estimate_micros) as "estimateMicros"
    from ledger_days where first_at >= ${fromMs} and first_at < ${untilMs} group by model, job, state`.execute(
    db,
  );
  return rows.map(withNumbers);
}

/** An engine may give sums as text, so that none loses a digit. */
function withNumbers(row: CallSum): CallSum {
  const sum = { ...row };
  for (const name of AMOUNTS) sum[name] = Number(sum[name]);
  return sum;
}

/** The jobs that were done in a span, added up by name; those that retention has removed by the day they were done on. */
export async function readRuns(db: Db, { fromMs, untilMs }: Span): Promise<RunSum[]> {
  const { rows } = await sql<{ name: string; runs: number; units: number }>`
    select name, sum(runs) as runs, sum(units) as units from (
      select name, count(*) as runs, sum(units) as units from jobs
      where state = 'done' and updated_at >= ${fromMs} and updated_at < ${untilMs} group by name
      union all
      select name, runs, units from job_days where first_at >= ${fromMs} and first_at < ${untilMs}
    ) as done group by name order by name`.execute(db);
  return rows.map((row) => ({ job: row.name, runs: Number(row.runs), units: Number(row.units) }));
}

/** What is charged for the calls: their cost, and the worst case of those whose end is not known. */
export function chargedMicros({ state, costMicros, estimateMicros }: CallSum): number {
  if (state === "settled") return costMicros;
  return state === "released" ? 0 : estimateMicros;
}
