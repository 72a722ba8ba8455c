import { type AddJobsJobSpec, Logger, makeWorkerUtils, run } from "graphile-worker";
import { PgBoss } from "pg-boss";
import type { Tools } from "./benchmark.ts";
import type { Side } from "./compare.ts";

/** Queues on PostgreSQL that others have made, each by its own verbs: `jobs` of them taken and done, one after the other. */
export interface PostgresQueueOptions {
  url: string;
  jobs: number;
}

/**
 * graphile-worker's `run()` with one worker. Its first job waits until it is measured: all have been added then, and are done when
 * the last is.
 */
export async function graphileWorker(tools: Tools, { url, jobs }: PostgresQueueOptions): Promise<Side> {
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  let { started, gate, done } = round();
  let left = 0;
  const runner = await run({
    connectionString: url,
    concurrency: 1,
    logger,
    noHandleSignals: true,
    taskList: {
      async bench() {
        started.resolve();
        await gate.promise;
      },
    },
  });
  runner.events.on("job:complete", () => {
    left -= 1;
    if (left === 0) done.resolve();
  });
  tools.after(async () => {
    await runner.stop();
    await utils.release();
  });
  return {
    async prepare() {
      ({ started, gate, done } = round());
      left = jobs;
      const specs: AddJobsJobSpec[] = Array.from({ length: jobs }, () => ({
        identifier: "bench",
        payload: {},
      }));
      await utils.addJobs(specs);
      await started.promise;
    },
    async operation() {
      gate.resolve();
      await done.promise;
    },
  };
}

function round() {
  const made = () => Promise.withResolvers<void>();
  return { started: made(), gate: made(), done: made() };
}

/** pg-boss's `fetch` and `complete`, a job at a time. */
export async function pgBoss(tools: Tools, { url, jobs }: PostgresQueueOptions): Promise<Side> {
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue("bench");
  tools.after(() => boss.stop({ graceful: false }));
  return {
    async prepare() {
      await boss.insert("bench", Array(jobs).fill({ data: {} }));
    },
    async operation() {
      for (let count = 0; count < jobs; count++) {
        const [job] = await boss.fetch("bench");
        if (job === undefined) throw new Error("pg-boss ran empty");
        await boss.complete("bench", job.id);
      }
    },
  };
}
