import { describe, expect, test } from "vitest";
import { DEFAULT_RETRY } from "../../src/config/jobs.ts";
import type { Retry } from "../../src/lib/errors.ts";
import { type FailOutcome, fail, unclaim } from "../../src/queue/fail.ts";
import type { JobRow } from "../../src/queue/job.ts";
import { failingAt, type QueueHarness, queueHarness } from "./harness.ts";

function failJob(queue: QueueHarness, job: JobRow, retry: Retry, error: unknown = "x"): Promise<FailOutcome> {
  return queue.store.atomically((trx) =>
    fail(trx, queue.outbox.announce, job, { error, retry, tick: "tick-1" }, failingAt(queue.clock.nowMs())),
  );
}

describe("a job that failed and may heal", () => {
  test("is ready again after backoff, and says why it failed", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const outcome = await failJob(queue, await queue.claim(), "later", new Error("the feed was empty"));
    const now = queue.clock.nowMs();
    const job = await queue.job("digest@1");
    expect(outcome).toEqual({ state: "ready", runAt: job.run_at });
    expect(job).toMatchObject({
      state: "ready",
      attempts: 1,
      error: "the feed was empty",
      lease_until: null,
    });
    expect(job.run_at).toBeGreaterThan(now);
    expect(job.run_at).toBeLessThanOrEqual(now + DEFAULT_RETRY.firstMs);
    expect(await queue.alerts()).toEqual([]);
  });

  test("waits as long as the error asked for, whatever backoff would say", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const outcome = await failJob(queue, await queue.claim(), { afterMs: 3_600_000 });
    expect(outcome).toEqual({ state: "ready", runAt: queue.clock.nowMs() + 3_600_000 });
  });

  test("keeps no more of a long error than 4,000 characters", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    await failJob(queue, await queue.claim(), "later", "x".repeat(10_000));
    expect((await queue.job("digest@1")).error).toHaveLength(4_000);
  });

  test("is dead when its attempts are used up, even if the error asked for another try", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1", { maxAttempts: 2 });
    expect(await failJob(queue, await queue.claim(), { afterMs: 0 })).toMatchObject({ state: "ready" });
    expect(await failJob(queue, await queue.claim(), { afterMs: 0 })).toEqual({ state: "dead" });
    expect(await queue.job("digest@1")).toMatchObject({ state: "dead", attempts: 2, lease_until: null });
  });
});

describe("a job that cannot heal", () => {
  test("is dead at its first attempt, and an alert tells of it in the same transaction", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const job = await queue.claim();
    expect(await failJob(queue, job, "never", new Error("the payload is bad"))).toEqual({ state: "dead" });
    expect(await queue.job("digest@1")).toMatchObject({
      state: "dead",
      attempts: 1,
      error: "the payload is bad",
    });
    expect(await queue.alerts()).toEqual([`job_dead:digest:the payload is bad:${job.id}.${job.token}`]);
  });

  test("is neither dead nor told of when its transaction does not commit", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const job = await queue.claim();
    const work = queue.store.atomically(async (trx) => {
      await fail(trx, queue.outbox.announce, job, { error: "x", retry: "never", tick: null }, failingAt(1));
      throw new Error("the disk is gone");
    });
    await expect(work).rejects.toThrow("the disk is gone");
    expect(await queue.job("digest@1")).toEqual(job);
    expect(await queue.alerts()).toEqual([]);
    expect(await queue.store.db.selectFrom("dead_letters").selectAll().execute()).toEqual([]);
  });
});

describe("a job that a rail stopped", () => {
  test("is ready again at the moment it is given, and its attempt is not counted", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const job = await queue.claim();
    await queue.store.atomically((trx) => unclaim(trx, job, "the cap is reached", 5_000, 1_000));
    expect(await queue.job("digest@1")).toMatchObject({
      state: "ready",
      attempts: 0,
      run_at: 5_000,
      error: "the cap is reached",
      lease_until: null,
      runner: null,
    });
  });

  test("can be stopped more often than it may fail", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1", { maxAttempts: 1 });
    for (let time = 1; time <= 5; time++) {
      const job = await queue.claim();
      expect(job).toMatchObject({ attempts: 1, token: time });
      await queue.store.atomically((trx) => unclaim(trx, job, "halted", 0, 0));
    }
    expect(await queue.job("digest@1")).toMatchObject({ state: "ready", attempts: 0 });
  });
});
