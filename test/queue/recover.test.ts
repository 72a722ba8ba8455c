// @module-tag processes
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { DEFAULT_RETRY } from "../../src/config/jobs.ts";
import { complete } from "../../src/queue/complete.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import { unclaim } from "../../src/queue/fail.ts";
import { LEASE_MS } from "../../src/queue/job.ts";
import { recoverJobs } from "../../src/queue/recover.ts";
import { startChild } from "../support/child.ts";
import { seededRandomness } from "../support/seeded.ts";
import { type QueueHarness, queueHarness } from "./harness.ts";
import { newJob } from "./new-job.ts";

const CHILDREN = fileURLToPath(new URL("children.ts", import.meta.url));

async function recover(
  queue: QueueHarness,
  runner: string,
  running: ReadonlySet<string> = new Set(),
): Promise<number> {
  const { count } = await queue.store.atomically((trx) =>
    recoverJobs(
      trx,
      queue.outbox.announce,
      { runner, tick: "tick-2", retryOf: () => DEFAULT_RETRY, running },
      queue.clock.nowMs(),
      seededRandomness(),
    ),
  );
  return count;
}

describe("a job whose runner is gone", () => {
  test("is due again at once, whatever its lease says, with its attempt counted", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    await queue.claim("runner-1");
    expect(await recover(queue, "runner-2")).toBe(1);
    expect(await queue.job("digest@1")).toMatchObject({
      state: "ready",
      attempts: 1,
      run_at: queue.clock.nowMs(),
      error: "the process that ran it ended without a word",
    });
    expect(await queue.claim("runner-2")).toMatchObject({ attempts: 2, token: 2 });
  });

  test("is dead once it has killed as many processes as it has attempts", async () => {
    const queue = await queueHarness();
    await queue.add("poison", { maxAttempts: 3 });
    for (let run = 1; run <= 3; run++) {
      await queue.claim(`runner-${run}`);
      await recover(queue, `runner-${run + 1}`);
    }
    expect(await queue.job("poison")).toMatchObject({ state: "dead", attempts: 3 });
    expect(await queue.alerts()).toHaveLength(1);
    expect(await recover(queue, "runner-5")).toBe(0);
  });

  test("is brought back after its process was killed for real", async () => {
    const queue = await queueHarness();
    await queue.store.atomically((trx) => enqueue(trx, newJob("job-1"), 1_000));
    const child = await startChild(CHILDREN, ["claim", queue.store.path, "doomed"]);
    await child.go();
    await child.kill();
    expect(await recover(queue, "next")).toBe(1);
    expect(await queue.claim("next")).toMatchObject({ key: "job-1", attempts: 2 });
  });
});

describe("a job of this runner", () => {
  test("is not recovered while its lease lasts", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const job = await queue.claim("runner-1");
    queue.clock.advance(LEASE_MS - 1);
    expect(await recover(queue, "runner-1")).toBe(0);
    expect(await queue.job("digest@1")).toEqual(job);
  });

  test("that still runs here keeps it, when the machine slept beyond its lease", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const job = await queue.claim("runner-1");
    queue.clock.advance(LEASE_MS);
    const running = new Set([job?.id ?? ""]);
    expect(await recover(queue, "runner-1", running)).toBe(0);
    expect(await queue.job("digest@1")).toEqual(job);
    // Another process does not know what runs there.
    expect(await recover(queue, "runner-2", running)).toBe(1);
  });

  test("that hangs beyond its lease is due again after backoff", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    await queue.claim("runner-1");
    queue.clock.advance(LEASE_MS);
    expect(await recover(queue, "runner-1")).toBe(1);
    const now = queue.clock.nowMs();
    const job = await queue.job("digest@1");
    expect(job).toMatchObject({ state: "ready", attempts: 1, error: "its lease ran out" });
    expect(job.run_at).toBeGreaterThan(now);
    expect(job.run_at).toBeLessThanOrEqual(now + DEFAULT_RETRY.firstMs);
  });
});

test("jobs that are ready, done or dead are not touched", async () => {
  const queue = await queueHarness();
  await queue.add("done");
  const done = await queue.claim();
  await queue.store.atomically((trx) => complete(trx, done, 1, 1));
  await queue.add("ready");
  const before = await queue.store.db.selectFrom("jobs").selectAll().execute();
  expect(await recover(queue, "runner-2")).toBe(0);
  expect(await queue.store.db.selectFrom("jobs").selectAll().execute()).toEqual(before);
});

test("a job that was put off under a clock that has been set back since waits as long as was meant", async () => {
  const queue = await queueHarness();
  await queue.add("digest@1");
  const job = await queue.claim("runner-1");
  const dayMs = 86_400_000;
  queue.clock.jump(100 * dayMs);
  const aheadMs = queue.clock.nowMs();
  await queue.store.atomically((trx) => unclaim(trx, job, "not called", aheadMs + 60_000, aheadMs));
  queue.clock.jump(-100 * dayMs);
  await recover(queue, "runner-2");
  const nowMs = queue.clock.nowMs();
  expect(await queue.job("digest@1")).toMatchObject({
    state: "ready",
    run_at: nowMs + 60_000,
    updated_at: nowMs,
  });
});
