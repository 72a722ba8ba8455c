import { statSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import type { Agent } from "../../src/agent.ts";
import { DAY_MS } from "../../src/lib/durations.ts";
import { retain } from "../../src/ops/retention/retain.ts";
import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import { saveStep } from "../../src/queue/steps.ts";
import { guard } from "../../src/rails/guard.ts";
import { openBenchAgent } from "../harness/agent.ts";
import type { Benchmark, Row, Tools } from "../harness/benchmark.ts";
import { callNames, callOf } from "../harness/calls.ts";
import { type SteppedClock, steppedClock } from "../harness/clock.ts";
import { spreadOf } from "../harness/statistics.ts";

const CALLS_PER_JOB = 30;
/** As a small model writes them. */
const COMPLETION = { text: "A summary of two sentences, as they come. ".repeat(5), model: "openai/bench" };

/** Bytes on the disk, by the call; and whether they stop growing. */
export const growth: Benchmark = {
  name: "growth",
  question: "How does the database grow, and does it stop?",
  async run(tools) {
    const clock = steppedClock();
    const agent = await openBenchAgent(tools, { clock });
    await sql`pragma synchronous = off`.execute(agent.rails.store.db);
    const empty = await bytesOf(agent);
    await work(agent, clock, 3_000);
    const perThousand = ((await bytesOf(agent)) - empty) / 3;
    return [
      {
        subject: "growth by 1,000 calls, with the steps and jobs they are made in",
        baseline: null,
        result: { type: "figure", value: perThousand, unit: "bytes", note: "mean of 3,000, 30 to a job" },
        goal: null,
      },
      await boundRow(tools),
    ];
  },
};

/**
 * Two years of 60 calls a day with a retention pass each day: what the second year adds to the file that the first one
 * left, per thousand calls, by what a thousand calls add without retention.
 */
async function boundRow(tools: Tools): Promise<Row> {
  const clock = steppedClock(Date.UTC(2024, 0, 1, 6));
  const agent = await openBenchAgent(tools, { clock });
  const { store } = agent.rails;
  await sql`pragma synchronous = off`.execute(store.db);
  const { signal } = new AbortController();
  const sizes: number[] = [];
  for (let day = 0; day < 730; day++) {
    await work(agent, clock, 60);
    clock.advance(DAY_MS - 60 * 2_000);
    await retain({ store, config: agent.config, clock, signal });
    sizes.push(await bytesOf(agent));
    if (day === 364) tools.say("a year of calls and retention is done, and another one follows");
  }
  const [first = 0, second = 0] = [sizes[364], sizes[729]];
  const grown = second / first;
  return {
    subject: "after two years of 60 calls a day with retention",
    baseline: "after the first of them",
    result: {
      type: "ratio",
      ratio: spreadOf([grown]),
      sides: `${megabytes(second)} against ${megabytes(first)}`,
    },
    goal: { atMost: 1.1 },
  };
}

/** Calls in jobs, each recorded as a step, as a digest makes them. */
async function work(agent: Agent, clock: SteppedClock, calls: number): Promise<void> {
  const { store } = agent.rails;
  const names = callNames();
  for (let made = 0; made < calls; made += CALLS_PER_JOB) {
    const nowMs = clock.nowMs();
    const key = `digest@${nowMs}`;
    const label = new Date(nowMs).toISOString();
    const job = { key, name: "digest", kind: "digest", payload: null, maxAttempts: 5, slotMs: nowMs, label };
    await store.atomically((trx) => enqueue(trx, { ...job, byHand: false }, nowMs));
    const claimed = await store.atomically((trx) => claim(trx, "runner", nowMs));
    if (claimed === undefined) throw new Error("the job is not there");
    for (let call = 0; call < CALLS_PER_JOB; call++) {
      clock.advance(2_000);
      const scope = { ...names(), tick: `tick-${nowMs}`, job: key };
      await guard(agent.rails, {
        ...callOf(agent, scope),
        record: (trx) => saveStep(trx, claimed, `item:${call}`, COMPLETION, clock.nowMs()),
      });
    }
    await store.atomically((trx) => complete(trx, claimed, CALLS_PER_JOB, clock.nowMs()));
  }
}

/** Of the file, after everything in the write-ahead log is in it. */
async function bytesOf(agent: Agent): Promise<number> {
  await sql`pragma wal_checkpoint(truncate)`.execute(agent.rails.store.db);
  return statSync(join(agent.config.paths.database)).size;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
