import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import { onGo } from "../support/child-work.ts";
import { newJob } from "./new-job.ts";

/** What the queue's tests do in a process of its own: `children.ts WORK PATH RUNNER`. */
const [work = "", path = "", runner = ""] = process.argv.slice(2);
const store = await openStore(path);

const WORK: Record<string, () => Promise<unknown>> = {
  /** Claims and completes until nothing is due; gives the keys it had. */
  async drain() {
    const keys: string[] = [];
    for (;;) {
      const job = await store.atomically((trx) => claim(trx, runner, 1_000));
      if (job === undefined) return keys;
      keys.push(job.key);
      await store.atomically((trx) => complete(trx, job, 1, 1_000));
    }
  },
  /** Adds the same fifty jobs as every other process; gives the keys that were new. */
  async enqueue() {
    const added: string[] = [];
    for (let number = 0; number < 50; number++) {
      if (await store.atomically((trx) => enqueue(trx, newJob(`job-${number}`), 1_000)))
        added.push(`job-${number}`);
    }
    return added;
  },
  /** Claims a job and never says another word. */
  async claim() {
    return (await store.atomically((trx) => claim(trx, runner, 1_000)))?.key;
  },
};

onGo(() => WORK[work]!());
