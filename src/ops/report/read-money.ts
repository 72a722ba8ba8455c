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

/** The ledger entries made in a span, added up by model, job and state. */
export async function readCalls(db: Db, { fromMs, untilMs }: Span): Promise<CallSum[]> {
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
      eb.fn.sum<number | null>("input_tokens").as("input"),
      eb.fn.sum<number | null>("output_tokens").as("output"),
      eb.fn.sum<number | null>("cost_micros").as("cost"),
      eb.fn.sum<number>("estimate_micros").as("estimate"),
    ])
    .where("created_at", ">=", fromMs)
    .where("created_at", "<", untilMs)
    .groupBy(["model", "job", "state"]);
  const rows = await db
    .selectFrom(byKey.as("sums"))
    .leftJoin("jobs", "jobs.key", "sums.job")
    .select((eb) => [
      "sums.model",
      "jobs.name",
      "sums.state",
      eb.fn.sum<number>("sums.calls").as("calls"),
      eb.fn.sum<number>("sums.counted").as("counted"),
      eb.fn.sum<number>("sums.degraded").as("degraded"),
      eb.fn.sum<number | null>("sums.input").as("input"),
      eb.fn.sum<number | null>("sums.output").as("output"),
      eb.fn.sum<number | null>("sums.cost").as("cost"),
      eb.fn.sum<number>("sums.estimate").as("estimate"),
    ])
    .groupBy(["sums.model", "jobs.name", "sums.state"])
    .execute();
  return rows.map((row) => ({
    model: row.model,
    job: row.name,
    state: row.state,
    calls: Number(row.calls),
    counted: Number(row.counted),
    degraded: Number(row.degraded),
    inputTokens: Number(row.input ?? 0),
    outputTokens: Number(row.output ?? 0),
    costMicros: Number(row.cost ?? 0),
    estimateMicros: Number(row.estimate),
  }));
}

/** The jobs that were done in a span, added up by name. */
export async function readRuns(db: Db, { fromMs, untilMs }: Span): Promise<RunSum[]> {
  const rows = await db
    .selectFrom("jobs")
    .select((eb) => ["name", eb.fn.countAll<number>().as("runs"), eb.fn.sum<number>("units").as("units")])
    // As a word of the query, not a parameter: the partial index is for exactly this.
    .where(sql<boolean>`state = 'done'`)
    .where("updated_at", ">=", fromMs)
    .where("updated_at", "<", untilMs)
    .groupBy("name")
    .execute();
  return rows.map((row) => ({ job: row.name, runs: Number(row.runs), units: Number(row.units) }));
}

/** What is charged for the calls: their cost, and the worst case of those whose end is not known. */
export function chargedMicros({ state, costMicros, estimateMicros }: CallSum): number {
  if (state === "settled") return costMicros;
  return state === "released" ? 0 : estimateMicros;
}
