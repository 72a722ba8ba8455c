import type Database from "better-sqlite3";
import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import type { JobRow } from "../../src/queue/job.ts";
import type { Trx } from "../../src/store/schema.ts";
import type { Store } from "../../src/store/store.ts";
import type { Benchmark, Tools } from "../harness/benchmark.ts";
import { compare, type Side, speedRow } from "../harness/compare.ts";
import { fillJobs } from "../harness/fill.ts";
import { liteque, plainjob } from "../harness/other-queues.ts";
import { benchStore, rawDatabase } from "../harness/raw.ts";
import { rawQueue } from "../harness/raw-queue.ts";

const ROUNDS = { rounds: 30, operations: 100 };
/** As many as all rounds take, and some to spare. */
const JOBS = 4_000;
const GUARANTEES = "with lease, fencing token, attempts and key, FULL";
const APART = `afk: claim and complete, in two commits, ${GUARANTEES}`;
const IN_A_ROW = `afk: complete and claim the next, in one commit as a tick does, ${GUARANTEES}`;

/**
 * A job is claimed and completed; nothing is done in between. Verb by verb these are two commits. A tick with more to do
 * claims the next job in the commit that ends the one before, and what it does is what other queues are measured against:
 * their workers have a commit for each.
 */
export const queue: Benchmark = {
  name: "queue",
  question: "How fast are jobs claimed and completed, next to SQL by hand and to other queues?",
  async run(tools) {
    const { rounds } = ROUNDS;
    const row = async (name: string, baseline: Side, goal: { atLeast: number } | null) =>
      speedRow(
        IN_A_ROW,
        name,
        await compare(tools, { baseline, subject: await inARow(tools) }, ROUNDS),
        goal,
      );
    tools.say(`${rounds} rounds against each of five`);
    const [baseline, subject] = [await byHand(tools), await apart(tools)];
    return [
      speedRow(
        APART,
        "better-sqlite3 by hand, same columns and guarantees, two commits, FULL",
        await compare(tools, { baseline, subject }, ROUNDS),
        { atLeast: 0.8 },
      ),
      await row("plainjob, FULL", plainjob(tools, { jobs: JOBS, synchronous: "FULL" }), { atLeast: 1.2 }),
      await row("plainjob as it comes, NORMAL", plainjob(tools, { jobs: JOBS, synchronous: "NORMAL" }), null),
      await row("liteque, FULL (*)", await liteque(tools, { jobs: JOBS, synchronous: "FULL" }), null),
      await row(
        "liteque as it comes, NORMAL (*)",
        await liteque(tools, { jobs: JOBS, synchronous: "NORMAL" }),
        null,
      ),
      {
        subject: "(*) liteque 0.8.0 cannot dequeue with this better-sqlite3",
        baseline: null,
        result: {
          type: "not_run",
          unit: "x",
          reason:
            "its dequeue hands an async function to a transaction, which better-sqlite3 refuses since 11.10; measured are its own statements, in a transaction that is begun and ended by hand",
        },
        goal: null,
      },
    ];
  },
};

async function apart(tools: Tools): Promise<Side> {
  const store = await filledStore(tools);
  return {
    async operation() {
      const nowMs = Date.now();
      const job = await store.atomically((trx) => claimed(trx, nowMs));
      await store.atomically((trx) => complete(trx, job, 1, nowMs));
    },
  };
}

async function inARow(tools: Tools): Promise<Side> {
  const store = await filledStore(tools);
  let job = await store.atomically((trx) => claimed(trx, Date.now()));
  return {
    async operation() {
      const nowMs = Date.now();
      job = await store.atomically(async (trx) => {
        await complete(trx, job, 1, nowMs);
        return await claimed(trx, nowMs);
      });
    },
  };
}

async function claimed(trx: Trx, nowMs: number): Promise<JobRow> {
  const job = await claim(trx, "runner", nowMs);
  if (job === undefined) throw new Error("the queue ran empty");
  return job;
}

function filledStore(tools: Tools): Promise<Store> {
  return benchStore(tools, (database) => fillJobs(database, { count: JOBS, state: "ready" }));
}

async function byHand(tools: Tools): Promise<Side> {
  const database: Database.Database = await rawDatabase(tools, (made) =>
    fillJobs(made, { count: JOBS, state: "ready" }),
  );
  return { operation: rawQueue(database) };
}
