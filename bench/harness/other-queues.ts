import { join } from "node:path";
import Database from "better-sqlite3";
import { buildDBClient, migrateDB, SqliteQueue } from "liteque";
import { better, defineQueue } from "plainjob";
import type { Tools } from "./benchmark.ts";
import type { Side } from "./compare.ts";

export interface QueueOptions {
  jobs: number;
  synchronous: "NORMAL" | "FULL";
}

const QUIET = { error() {}, warn() {}, info() {}, debug() {} };

/** Its own verbs: take the next job, mark it done. It sets NORMAL itself, so FULL is said after it. */
export function plainjob(tools: Tools, { jobs, synchronous }: QueueOptions): Side {
  const database = new Database(join(tools.folder(), "plainjob.db"));
  const queue = defineQueue({ connection: better(database), logger: QUIET, maintenanceInterval: 3_600_000 });
  queue.addMany("bench", Array(jobs).fill(null));
  database.pragma(`synchronous = ${synchronous}`);
  tools.after(() => queue.close());
  return {
    operation() {
      const job = queue.getAndMarkJobAsProcessing("bench");
      if (job === undefined) throw new Error("plainjob ran empty");
      queue.markJobAsDone(job.id);
    },
  };
}

/**
 * Its own code, but for one thing: its `transaction`, which gives an async function to better-sqlite3 and is refused, is
 * a `begin`, the function, and a `commit` here.
 */
export async function liteque(tools: Tools, { jobs, synchronous }: QueueOptions): Promise<Side> {
  const path = join(tools.folder(), "liteque.db");
  const client = buildDBClient(path, { runMigrations: false });
  migrateDB(client);
  const { session } = client as unknown as { session: { client: Database.Database } };
  const database = session.client;
  const queue = new SqliteQueue<null>("bench", client, {
    defaultJobArgs: { numRetries: 5 },
    keepFailedJobs: false,
  });
  database.pragma("synchronous = OFF");
  for (let job = 0; job < jobs; job++) await queue.enqueue(null);
  database.pragma(`synchronous = ${synchronous}`);
  Object.assign(client, {
    async transaction(work: (trx: typeof client) => Promise<unknown>) {
      database.exec("begin");
      const result = await work(client);
      database.exec("commit");
      return result;
    },
  });
  tools.after(() => database.close());
  return {
    async operation() {
      const job = await queue.attemptDequeue({ timeoutSecs: 30 });
      if (job === null) throw new Error("liteque ran empty");
      await queue.finalize(job.id, job.allocationId, "completed");
    },
  };
}
