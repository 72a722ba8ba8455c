import { type RawBuilder, sql } from "kysely";
import { viewOf } from "../lib/view.ts";
import type { Db } from "../store/schema.ts";

/** Which calls of the ledger are meant; what is left out does not matter. */
export interface LedgerFilter {
  unknown?: boolean | undefined;
  client?: string | undefined;
  session?: string | undefined;
  /** The reference, `anthropic/claude-haiku-4-5`. */
  model?: string | undefined;
  /** The job's name in afk.yaml. */
  job?: string | undefined;
  /** Made since then, epoch milliseconds. */
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
}

/** The newest `limit` guarded calls that are meant. Money in micro-dollars. */
export async function listLedger(db: Db, { limit, ...filter }: LedgerFilter & { limit: number }) {
  const rows = await db
    .selectFrom("ledger")
    .select(["id", "created_at", "model", "state", "estimate_micros", "cost_micros", "input_tokens"])
    .select(["output_tokens", "degraded", "tick", "job", "client", "session", "step", "error"])
    .where(meant(filter))
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...viewOf(row), degraded: row.degraded === 1 }));
}

/** What the ledger is added up by, with its column there and in what retention rolls up; sessions are not kept in that. */
const GROUPS = {
  client: { column: "client", rolledUp: "client" },
  session: { column: "session", rolledUp: null },
  model: { column: "model", rolledUp: "model" },
  job: { column: "job_name", rolledUp: "job" },
} as const;

/** What the ledger can be added up by. */
export type LedgerGroup = keyof typeof GROUPS;
/** All of them, as people name them. */
export const LEDGER_GROUPS = Object.keys(GROUPS) as LedgerGroup[];

/** What the calls of one client, session, model or job came to. Money in micro-dollars. */
export interface LedgerSum {
  /** Whose; null for calls that belong to none. */
  name: string | null;
  /** Released ones, which cost nothing, included. */
  calls: number;
  settledMicros: number;
  /** For calls under way. */
  reservedMicros: number;
  unknownCalls: number;
  /** What calls of unknown outcome are charged at. */
  unknownMicros: number;
  /** Answered by another model than the one that was asked for. */
  degraded: number;
  inputTokens: number;
  outputTokens: number;
}

/**
 * Calls added up by client, session, model or job, the dearest first. Days that retention has rolled up are in it but by
 * session, which nothing keeps after that. `more`: how many rows were left out.
 */
export async function sumLedger(
  db: Db,
  by: LedgerGroup,
  { limit, ...filter }: LedgerFilter & { limit: number },
): Promise<{ rows: LedgerSum[]; more: number }> {
  const { column, rolledUp } = GROUPS[by];
  const charged = (...states: string[]) =>
    sql`coalesce(sum(case when state in (${sql.join(states.map((state) => sql.lit(state)))}) then estimate_micros end), 0)`;
  const entries = sql`
    select ${sql.ref(column)} as name, count(*) as calls, coalesce(sum(cost_micros), 0) as settled,
      ${charged("reserved", "sending")} as reserved, ${charged("unknown")} as unknown,
      count(case when state = 'unknown' then 1 end) as lost, sum(degraded) as degraded,
      coalesce(sum(input_tokens), 0) as input, coalesce(sum(output_tokens), 0) as output
    from ledger where ${meant(filter)} group by ${sql.ref(column)}`;
  const keepsAll = rolledUp !== null && filter.session === undefined && !filter.unknown;
  const piles = keepsAll ? [entries, rolled(rolledUp, filter)] : [entries];
  const { rows } = await sql<Record<string, number | string | null>>`
    select name, sum(calls) as calls, sum(settled) as "settledMicros", sum(reserved) as "reservedMicros",
      sum(lost) as "unknownCalls", sum(unknown) as "unknownMicros", sum(degraded) as degraded,
      sum(input) as "inputTokens", sum(output) as "outputTokens", count(*) over () as found
    from (${sql.join(piles, sql` union all `)}) as made group by name
    order by sum(settled) + sum(reserved) + sum(unknown) desc, sum(calls) desc, name limit ${limit}`.execute(
    db,
  );
  const found = Number(rows[0]?.found ?? 0);
  return {
    rows: rows.map(({ name, found: _found, ...amounts }) => {
      // An engine may give sums as text, so that none loses a digit.
      const numbers = Object.entries(amounts).map(([key, amount]) => [key, Number(amount)]);
      return { name, ...Object.fromEntries(numbers) } as LedgerSum;
    }),
    more: found - rows.length,
  };
}

function rolled(column: string, { client, model, job, sinceMs, untilMs }: LedgerFilter): RawBuilder<unknown> {
  const conditions = allOf([
    client === undefined ? null : sql`client = ${client}`,
    model === undefined ? null : sql`model = ${model}`,
    job === undefined ? null : sql`job = ${job}`,
    sinceMs === undefined ? null : sql`first_at >= ${sinceMs}`,
    untilMs === undefined ? null : sql`first_at < ${untilMs}`,
  ]);
  return sql`
    select nullif(${sql.ref(column)}, ''), sum(calls), sum(cost_micros), 0, 0, 0, sum(degraded), sum(input_tokens),
      sum(output_tokens) from ledger_days where ${conditions} group by ${sql.ref(column)}`;
}

function meant(filter: LedgerFilter): RawBuilder<boolean> {
  const { unknown, client, session, model, job, sinceMs, untilMs } = filter;
  return allOf([
    unknown ? sql`state = 'unknown'` : null,
    client === undefined ? null : sql`client = ${client}`,
    session === undefined ? null : sql`session = ${session}`,
    model === undefined ? null : sql`model = ${model}`,
    job === undefined ? null : sql`job_name = ${job}`,
    sinceMs === undefined ? null : sql`created_at >= ${sinceMs}`,
    untilMs === undefined ? null : sql`created_at < ${untilMs}`,
  ]);
}

function allOf(conditions: readonly (RawBuilder<unknown> | null)[]): RawBuilder<boolean> {
  return sql<boolean>`${sql.join([sql`1 = 1`, ...conditions.filter((each) => each !== null)], sql` and `)}`;
}
