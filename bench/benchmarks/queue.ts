import type Database from "better-sqlite3";
import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import type { Benchmark, Tools } from "../harness/benchmark.ts";
import { compare, type Side, speedRow } from "../harness/compare.ts";
import { fillJobs } from "../harness/fill.ts";
import { liteque, plainjob } from "../harness/other-queues.ts";
import { benchStore, rawDatabase } from "../harness/raw.ts";
import { rawQueue } from "../harness/raw-queue.ts";

const ROUNDS = { rounds: 30, operations: 100 };
/** As many as all rounds take, and some to spare. */
const JOBS = 4_000;
const FENCED = "afk: claim and complete, with lease, fencing token, attempts and key, FULL";

/** A job is claimed and completed, which are two commits; nothing is done in between. */
export const queue: Benchmark = {
  name: "queue",
  question: "How fast are jobs claimed and completed, next to SQL by hand and to other queues?",
  async run(tools) {
    const { rounds } = ROUNDS;
    const fenced = async () => afkQueue(tools);
    const row = async (name: string, baseline: Side, goal: { atLeast: number } | null) =>
      speedRow(FENCED, name, await compare(tools, { baseline, subject: await fenced() }, ROUNDS), goal);
    tools.say(`${rounds} rounds against each of five`);
    return [
      await row("better-sqlite3 by hand, same columns and guarantees, FULL", await byHand(tools), {
        atLeast: 0.8,
      }),
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

async function afkQueue(tools: Tools): Promise<Side> {
  const store = await benchStore(tools, (database) => fillJobs(database, { count: JOBS, state: "ready" }));
  return {
    async operation() {
      const nowMs = Date.now();
      const job = await claim(store.db, "runner", nowMs);
      if (job === undefined) throw new Error("the queue ran empty");
      await store.transaction((trx) => complete(trx, job, 1, nowMs));
    },
  };
}

async function byHand(tools: Tools): Promise<Side> {
  const database: Database.Database = await rawDatabase(tools, (made) =>
    fillJobs(made, { count: JOBS, state: "ready" }),
  );
  return { operation: rawQueue(database) };
}
