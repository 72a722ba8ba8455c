import { sql } from "kysely";
import type { Db, LedgerState } from "../../store/schema.ts";

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
  // A key has many entries: they are added up before the name of each key is looked for.
  const byKey = db
    .selectFrom("ledger")
    .select((eb) => [
      "model",
      "job",
      "state",
      eb.fn.countAll<number>().as("calls"),
      eb.fn.count<number>("input_tokens").as("counted"),
      eb.fn.sum<number>("degraded").as("degraded"),
      eb.fn.sum<number | null>("input_tokens").as("input_tokens"),
      eb.fn.sum<number | null>("output_tokens").as("output_tokens"),
      eb.fn.sum<number | null>("cost_micros").as("cost_micros"),
      eb.fn.sum<number>("estimate_micros").as("estimate_micros"),
    ])
    .where("created_at", ">=", fromMs)
    .where("created_at", "<", untilMs)
    .groupBy(["model", "job", "state"]);
  const rows = await db
    .selectFrom(byKey.as("sums"))
    .leftJoin("jobs", "jobs.key", "sums.job")
    .select(["sums.model", "jobs.name as job", "sums.state"])
    .select((eb) => SUMMED.map((name) => eb.fn.sum<number | null>(`sums.${name}`).as(name)))
    .groupBy(["sums.model", "jobs.name", "sums.state"])
    .execute();
  return rows.map(toCallSum);
}

/** Days that retention has rolled up. One belongs to the span that has its first instant. */
async function inDays(db: Db, { fromMs, untilMs }: Span): Promise<CallSum[]> {
  const rows = await db
    .selectFrom("ledger_days")
    .select(["model", "job", "state"])
    .select((eb) => SUMMED.map((name) => eb.fn.sum<number | null>(name).as(name)))
    .where("first_at", ">=", fromMs)
    .where("first_at", "<", untilMs)
    .groupBy(["model", "job", "state"])
    .execute();
  return rows.map((row) => toCallSum({ ...row, job: row.job === "" ? null : row.job }));
}

const SUMMED = [
  "calls",
  "counted",
  "degraded",
  "input_tokens",
  "output_tokens",
  "cost_micros",
  "estimate_micros",
] as const;

type SumRow = Pick<CallSum, "model" | "job" | "state"> & Record<(typeof SUMMED)[number], number | null>;

function toCallSum(row: SumRow): CallSum {
  return {
    model: row.model,
    job: row.job,
    state: row.state,
    calls: Number(row.calls),
    counted: Number(row.counted),
    degraded: Number(row.degraded),
    inputTokens: Number(row.input_tokens ?? 0),
    outputTokens: Number(row.output_tokens ?? 0),
    costMicros: Number(row.cost_micros ?? 0),
    estimateMicros: Number(row.estimate_micros ?? 0),
  };
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
