import { sql } from "kysely";
import { dayIn } from "../../lib/days.ts";
import type { LedgerState } from "../../store/schema/rails.ts";
import type { Db } from "../../store/schema.ts";

/** What is added up of calls; `counted` are those whose tokens the provider counted. */
type CallAmount =
  | "calls"
  | "counted"
  | "degraded"
  | "inputTokens"
  | "outputTokens"
  | "costMicros"
  | "estimateMicros";

/** The calls of one model for one job and client that ended in one way, within a span. Money in micro-dollars. */
export interface CallSum extends Record<CallAmount, number> {
  model: string;
  /** The job's name in afk.yaml; null for calls of the library, and of a job that is not known any more. */
  job: string | null;
  /** The gateway's client; null for calls of the agent's own and of its jobs. */
  client: string | null;
  state: LedgerState;
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

/**
 * The calls made in a span, added up by model, job, client and state. A day that retention has rolled up belongs to the span that
 * has its first instant.
 */
export async function readCalls(db: Db, { fromMs, untilMs }: Span): Promise<CallSum[]> {
  const { rows } = await sql<CallSum>`
    select model, job, client, state, sum(calls) as calls, sum(counted) as counted, sum(degraded) as degraded,
      sum(input) as "inputTokens", sum(output) as "outputTokens", sum(cost) as "costMicros",
      sum(estimate) as "estimateMicros"
    from (
      select model, job_name as job, client, state, count(*) as calls, count(input_tokens) as counted,
        sum(degraded) as degraded, coalesce(sum(input_tokens), 0) as input, coalesce(sum(output_tokens), 0) as output,
        coalesce(sum(cost_micros), 0) as cost, sum(estimate_micros) as estimate
      from ledger where created_at >= ${fromMs} and created_at < ${untilMs}
      group by model, job_name, client, state
      union all
      select model, nullif(job, ''), nullif(client, ''), state, calls, counted, degraded, input_tokens, output_tokens, cost_micros,
        estimate_micros
      from ledger_days where first_at >= ${fromMs} and first_at < ${untilMs}
    ) as made group by model, job, client, state`.execute(db);
  return rows.map(({ model, job, client, state, ...amounts }) => {
    // An engine may give sums as text, so that none loses a digit.
    const numbers = Object.entries(amounts).map(([name, amount]) => [name, Number(amount)]);
    return { ...Object.fromEntries(numbers), model, job, client, state };
  });
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

/** Requests to the gateway that led to no call, by the days of the budget's time that a span has a part of. */
export async function readGatewayDays(db: Db, { fromMs, untilMs }: Span, timezone: string) {
  const row = await db
    .selectFrom("gateway_days")
    .select((eb) => (["refused", "replayed", "joined"] as const).map((each) => eb.fn.sum(each).as(each)))
    .where("day", ">=", dayIn(fromMs, timezone))
    .where("day", "<=", dayIn(untilMs - 1, timezone))
    .executeTakeFirstOrThrow();
  /** `replayed` and `joined` got an answer that was bought before. */
  return {
    refused: Number(row.refused ?? 0),
    replayed: Number(row.replayed ?? 0),
    joined: Number(row.joined ?? 0),
  };
}

/** What is charged for the calls: their cost, and the worst case of those whose end is not known. */
export function chargedMicros({ state, costMicros, estimateMicros }: CallSum): number {
  if (state === "settled") return costMicros;
  return state === "released" ? 0 : estimateMicros;
}
