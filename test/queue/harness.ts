import { createOutbox, type Outbox } from "../../src/alerts/outbox.ts";
import { DEFAULT_RETRY } from "../../src/config/jobs.ts";
import type { Log } from "../../src/lib/log.ts";
import { claim } from "../../src/queue/claim.ts";
import { enqueue, type NewJob } from "../../src/queue/enqueue.ts";
import type { FailHow } from "../../src/queue/fail.ts";
import type { JobRow } from "../../src/queue/job.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { seededRandomness } from "../support/seeded.ts";
import { type TestStore, testStore } from "../support/store.ts";
import { newJob } from "./new-job.ts";

export interface QueueHarness {
  store: TestStore;
  clock: FakeClock;
  outbox: Outbox;
  /** Adds a job that is due now. */
  add(key: string, fields?: Partial<NewJob>): Promise<boolean>;
  /** Claims the next job, which must be there. */
  claim(runner?: string): Promise<JobRow>;
  job(key: string): Promise<JobRow>;
  /** Keys of the alerts on disk. */
  alerts(): Promise<string[]>;
}

/** How jobs are tried again by default, with chances that are the same in every run of a test. */
export function failingAt(nowMs: number): FailHow {
  return { nowMs, retry: DEFAULT_RETRY, randomness: seededRandomness() };
}

/** A queue on a real store, with a clock that the test moves. */
export async function queueHarness(): Promise<QueueHarness> {
  const clock = fakeClock();
  const store = await testStore();
  const log: Log = { event() {}, child: () => log };
  return {
    store,
    clock,
    outbox: createOutbox({ agent: "test", timezone: "UTC", clock, log, redact: (text) => text }),
    add: (key, fields = {}) => store.atomically((trx) => enqueue(trx, newJob(key, fields), clock.nowMs())),
    async claim(runner = "runner-1") {
      const job = await store.atomically((trx) => claim(trx, runner, clock.nowMs()));
      if (job === undefined) throw new Error("nothing is due");
      return job;
    },
    job: (key) => store.db.selectFrom("jobs").selectAll().where("key", "=", key).executeTakeFirstOrThrow(),
    async alerts() {
      const rows = await store.db.selectFrom("alerts").select("key").orderBy("id").execute();
      return rows.map((row) => row.key);
    },
  };
}
