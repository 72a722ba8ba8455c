import { createHash, randomBytes } from "node:crypto";
import { Client } from "pg";
import type { DatabaseTarget } from "../../src/lib/database-target.ts";
import { periodsAt } from "../../src/rails/windows.ts";
import type { Tools } from "./benchmark.ts";

/** A connection with nothing of afk's between it and who writes to it. */
export async function rawClient(tools: Tools, { url, schema }: DatabaseTarget): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`set search_path to ${schema}`);
  tools.after(() => client.end());
  return client;
}

const LOCK = "select 1 from gate where id = 1 for update";
const PASS = `update gate set generation = generation + 1,
  latest_at = greatest(latest_at, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)
  where id = 1 returning latest_at`;
/** What the call counts in; the values of a statement are their periods, in this order. */
const WINDOWS = ["tick", "job", "hour", "day", "week", "month"] as const;
const SPENT = WINDOWS.map(
  (window, at) => `select coalesce(sum(settled_micros + reserved_micros), 0) as spent from budget_windows
    where "window" = '${window}' and scope = 'agent' and period >= $${at + 1} and period <= $${at + 1}`,
).join(" union all ");
const ADMITTED = `select sum(admitted_calls) as calls from budget_windows
  where "window" = 'hour' and scope = 'agent' and period >= $1 and period <= $1`;
const ADD = `insert into budget_windows ("window", scope, period, cap_micros, reserved_micros, reserved_tokens, reserved_calls)
  values ${WINDOWS.map((window, at) => `('${window}', 'agent', $${at + 1}, 1000000000, 1000, 100, 1)`).join(", ")}
  on conflict ("window", scope, period) do update set reserved_micros = budget_windows.reserved_micros + 1000,
    reserved_tokens = budget_windows.reserved_tokens + 100, reserved_calls = budget_windows.reserved_calls + 1`;
const REPLACE = `update budget_windows set reserved_micros = reserved_micros - 1000, settled_micros = settled_micros + 400,
    reserved_tokens = reserved_tokens - 100, settled_tokens = settled_tokens + 10,
    reserved_calls = reserved_calls - 1, settled_calls = settled_calls + 1
  where ${WINDOWS.map((window, at) => `("window" = '${window}' and scope = 'agent' and period = $${at + 1})`).join(" or ")}`;

/**
 * A guarded call as somebody would write it by hand who locks first and looks at everything that afk looks at: the switch, the
 * breaker, the clock, what runs away, what is spent. Two transactions, statement by statement, and a last look between them.
 */
export function rawFleetGuard(client: Client): () => Promise<void> {
  let count = 0;
  return async () => {
    const run = Math.floor(count / 30);
    const hash = createHash("sha256").update(`request ${count}`).digest("hex");
    count += 1;
    await client.query("begin");
    await client.query(LOCK);
    const { rows } = await client.query(PASS);
    const at = Number(rows[0].latest_at);
    const { minute, day, week, month } = periodsAt(at, "UTC");
    const periods = [`tick-${run}`, `job-${run}`, minute, day, week, month];
    await client.query("select * from kill_switch where id = 1");
    await client.query("select * from breakers where name = $1", ["model:openai/bench"]);
    await client.query("select * from budget_clock where id = 1");
    await client.query("update budget_clock set latest_at = $1 where id = 1", [at]);
    await client.query(ADMITTED, [minute]);
    await client.query(
      "select id from ledger where request_hash = $1 and created_at > $2 limit 1 offset 9999",
      [hash, at - 3_600_000],
    );
    await client.query("select * from open_periods");
    await client.query(SPENT, periods);
    await client.query(ADD, periods);
    const id = randomBytes(13).toString("hex");
    await client.query(
      `insert into ledger (id, state, model, created_at, deadline_at, estimate_micros, estimate_tokens, tick, job, minute, day, week,
         month, step, runner, request_hash, degraded)
       values ($1, 'sending', 'openai/bench', $2, $3, 1000, 100, $4, $5, $6, $7, $8, $9, 'step', 'runner', $10, 0)`,
      [id, at, at + 360_000, ...periods, hash],
    );
    await client.query("commit");
    // The last look, right before the first byte.
    await client.query("select * from kill_switch where id = 1");
    await client.query("begin");
    await client.query(LOCK);
    await client.query(PASS);
    await client.query(
      `update ledger set state = 'settled', finished_at = $2, cost_micros = 400, cost_tokens = 10, input_tokens = 7,
         output_tokens = 3 where id = $1 and state = 'sending' returning *`,
      [id, at],
    );
    await client.query(REPLACE, periods);
    await client.query("select * from breakers where name = $1", ["model:openai/bench"]);
    await client.query("commit");
  };
}

/** Claim, then done, each a commit of its own, with lease, token, attempts and skipped locks: what a queue on PostgreSQL does one by one. */
export function rawFleetQueue(client: Client): () => Promise<void> {
  return async () => {
    const { rows } = await client.query(
      `update jobs set state = 'running', attempts = attempts + 1, token = token + 1, lease_until = $1::bigint + 30000,
         runner = 'runner', updated_at = $1
       where state = 'ready' and id = (select id from jobs where state = 'ready' and run_at <= $1
         order by run_at, id limit 1 for update skip locked) returning *`,
      [Date.now()],
    );
    const [job] = rows;
    if (job === undefined) throw new Error("the queue ran empty");
    const { rowCount } = await client.query(
      `update jobs set state = 'done', lease_until = null, runner = null, error = null, units = 1, updated_at = $3
       where id = $1 and token = $2 and state = 'running'`,
      [job.id, job.token, Date.now()],
    );
    if (rowCount !== 1) throw new Error("the lease was lost");
  };
}
