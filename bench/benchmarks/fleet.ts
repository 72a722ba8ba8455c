import type { DatabaseTarget } from "../../src/lib/database-target.ts";
import { silentLog } from "../../src/lib/log.ts";
import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import type { JobRow } from "../../src/queue/job.ts";
import { guard } from "../../src/rails/guard.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import { startPostgres } from "../../test/support/postgres/server.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Row, Tools } from "../harness/benchmark.ts";
import { callNames, callOf } from "../harness/calls.ts";
import { compare, type Side, speedRow, timeRow } from "../harness/compare.ts";
import { graphileWorker, pgBoss } from "../harness/postgres-queues.ts";
import { rawClient, rawFleetGuard, rawFleetQueue } from "../harness/raw-fleet.ts";
import { quantile } from "../harness/statistics.ts";

const CLIENTS = 16;
/** As many as all rounds take, and some to spare. */
const JOBS = 4_000;
/** Nothing runs away: here a second has more calls than a real minute. */
const BREAKER = { breaker: { calls_per_minute: 100_000, same_request_per_hour: 10_000 } };
const SHARED = "one process and session";
/** Jobs of one operation: what a queue begins with is then little of it. */
const IN_A_ROW = 100;
/** As many calls and jobs as in the benchmarks of a state on this machine: a process that has run for an hour is compiled. */
const CALL_ROUNDS = { rounds: 40, operations: 100 };
const SHARED_ROUNDS = { rounds: 30, operations: 6 };
const QUEUE_ROUNDS = { rounds: 30, operations: 1 };
const QUEUE = `afk: ${IN_A_ROW} times complete and claim the next, in one section as a tick does, with lease, fencing token, attempts and key`;

/** A state on PostgreSQL: a server of this machine on the disk that is measured, asked over loopback. */
export const fleet: Benchmark = {
  name: "fleet",
  question:
    "What do calls and jobs cost where the state is in PostgreSQL, next to the same statements by hand?",
  async run(tools) {
    const server = await startPostgres();
    tools.after(() => server.close());
    let count = 0;
    /** A database of its own for each side. */
    const target = async (): Promise<DatabaseTarget> => {
      count += 1;
      return { url: await server.createDatabase(`bench_${count}`), schema: "afk_bench" };
    };
    const alone = await agentCalls(tools, await target());
    const byHand = await filled(tools, await target());
    const guarded = await compare(
      tools,
      { subject: { operation: alone }, baseline: { operation: rawFleetGuard(byHand) } },
      CALL_ROUNDS,
    );
    const [together, inARow] = [
      await agentCalls(tools, await target()),
      await agentCalls(tools, await target()),
    ];
    const shared = await compare(
      tools,
      {
        subject: { operation: () => Promise.all(Array.from({ length: CLIENTS }, together)) },
        baseline: {
          async operation() {
            for (let call = 0; call < CLIENTS; call++) await inARow();
          },
        },
      },
      SHARED_ROUNDS,
    );
    /** A bench of its own for each of those that it is compared with: so all of them find as many jobs. */
    const queueNextTo = async (baseline: (target: DatabaseTarget) => Promise<Side>) => {
      const operation = await queueInARow(tools, await target());
      const subject = { operation: () => times(IN_A_ROW, operation) };
      return await compare(tools, { subject, baseline: await baseline(await target()) }, QUEUE_ROUNDS);
    };
    const queue = await queueNextTo(async (target) => {
      const operation = rawFleetQueue(await filled(tools, target));
      return { operation: () => times(IN_A_ROW, operation) };
    });
    const jobs = { jobs: IN_A_ROW };
    const graphile = await queueNextTo(({ url }) => graphileWorker(tools, { url, ...jobs }));
    const boss = await queueNextTo(({ url }) => pgBoss(tools, { url, ...jobs }));
    return [
      timeRow("a guarded call", "the same statements by hand, one after the other (pg)", guarded, {
        atMost: 1.5,
      }),
      speedRow(
        `${CLIENTS} guarded calls at the same time, ${SHARED}`,
        "as many one after the other",
        shared,
        { atLeast: 2.5 },
      ),
      await tail(tools, await target()),
      speedRow(
        QUEUE,
        "by hand with skipped locks, lease, token and attempts: claim, then done, in two commits (pg)",
        queue,
        null,
      ),
      speedRow(QUEUE, "graphile-worker: `run()` with one worker, neither lease nor token", graphile, {
        atLeast: 1.4,
      }),
      speedRow(QUEUE, "pg-boss: `fetch` and `complete`, a job at a time, no token", boss, { atLeast: 2.5 }),
    ];
  },
};

async function agentCalls(tools: Tools, { url, schema }: DatabaseTarget): Promise<() => Promise<unknown>> {
  const agent = await openBenchAgent(tools, { changes: { ...BREAKER, database: { url, schema } } });
  const next = callNames();
  tools.after(agent.rails.watch.hold("idle"));
  return () => guard(agent.rails, { ...callOf(agent, next()), log: silentLog });
}

/** As many clients as there are, each of a session of its own: how long the slowest wait for the gate. */
async function tail(tools: Tools, target: DatabaseTarget): Promise<Row> {
  const clients: (() => Promise<unknown>)[] = [];
  for (let client = 0; client < CLIENTS; client++) clients.push(await agentCalls(tools, target));
  const samples: number[] = [];
  for (let round = 0; round < 8; round++)
    await Promise.all(
      clients.map(async (call) => {
        for (let count = 0; count < 5; count++) {
          const startedMs = performance.now();
          await call();
          if (round > 0) samples.push(performance.now() - startedMs);
        }
      }),
    );
  const note = `median ${quantile(samples, 0.5).toFixed(1)} ms, ${samples.length} calls`;
  return {
    subject: `a guarded call of one of ${CLIENTS} sessions at the same gate, 99th percentile`,
    baseline: null,
    result: { type: "figure", value: quantile(samples, 0.99), unit: "ms", note },
    goal: null,
  };
}

async function queueInARow(tools: Tools, target: DatabaseTarget): Promise<() => Promise<void>> {
  await filled(tools, target);
  const store = await openPostgresStore(target, { state: tools.folder() });
  tools.after(() => store.close());
  let job: JobRow | undefined;
  const next = (): Promise<JobRow> =>
    store.atomically(async (trx) => {
      if (job !== undefined) await complete(trx, job, 1, Date.now());
      const claimed = await claim(trx, "runner", Date.now());
      if (claimed === undefined) throw new Error("the queue ran empty");
      return claimed;
    });
  return async () => {
    job = await next();
  };
}

async function times(count: number, operation: () => Promise<unknown>): Promise<void> {
  for (let nth = 0; nth < count; nth++) await operation();
}

/** Makes the tables, with jobs that are due and the one row of the budget's clock; gives a connection to them. */
async function filled(tools: Tools, target: DatabaseTarget) {
  await (await openPostgresStore(target)).close();
  const client = await rawClient(tools, target);
  await client.query(
    `insert into jobs (id, key, name, kind, label, payload, state, attempts, max_attempts, token, units, run_at, slot_at, by_hand,
       created_at, updated_at)
     select lpad(n::text, 26, '0'), 'key-' || n, 'job-' || n, 'bench', 'label', 'null', 'ready', 0, 5, 0, 0, n, n, 0, n, n
     from generate_series(1, ${JOBS}) as n`,
  );
  await client.query(
    "insert into budget_clock (id, latest_at, anchor_at, uptime_ms, boot_id) values (1, 0, 0, 0, 'bench')",
  );
  await client.query("analyze");
  return client;
}
