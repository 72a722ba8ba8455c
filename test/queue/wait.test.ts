import { expect, test } from "vitest";
import { DEFAULT_RETRY } from "../../src/config/jobs.ts";
import type { Retry } from "../../src/lib/errors.ts";
import { complete } from "../../src/queue/complete.ts";
import { listDeadLetters } from "../../src/queue/dead-letters.ts";
import { fail, unclaim } from "../../src/queue/fail.ts";
import type { JobRow } from "../../src/queue/job.ts";
import { type WaitOutcome, wait } from "../../src/queue/wait.ts";
import { failingAt, type QueueHarness, queueHarness } from "./harness.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function waits(queue: QueueHarness, job: JobRow, retry: Retry = "later"): Promise<WaitOutcome> {
  return queue.store.atomically((trx) =>
    wait(
      trx,
      queue.outbox.announce,
      job,
      { error: "it is down", retry, tick: null },
      failingAt(queue.clock.nowMs()),
    ),
  );
}

/** Waits until the job is due, and claims it. */
async function dueAgain(queue: QueueHarness): Promise<JobRow> {
  const { run_at } = await queue.job("digest@1");
  queue.clock.advance(Math.max(0, run_at - queue.clock.nowMs()));
  return await queue.claim();
}

test("is ready again after backoff, its attempt not counted, and says since when it waits", async () => {
  const queue = await queueHarness();
  await queue.add("digest@1");
  const since = queue.clock.nowMs();
  const outcome = await waits(queue, await queue.claim());
  const job = await queue.job("digest@1");
  expect(outcome).toEqual({ state: "ready", runAt: job.run_at, isLast: false });
  expect(job).toMatchObject({ state: "ready", attempts: 0, waiting_since: since, error: "it is down" });
  expect(job.run_at - since).toBeLessThanOrEqual(DEFAULT_RETRY.firstMs);
});

test("waits as long as the error asks for, but no longer than until it gives up", async () => {
  const queue = await queueHarness();
  await queue.add("digest@1");
  const since = queue.clock.nowMs();
  expect(await waits(queue, await queue.claim(), { afterMs: HOUR })).toMatchObject({ runAt: since + HOUR });
  const again = await waits(queue, await dueAgain(queue), { afterMs: 10 * DAY });
  expect(again).toEqual({ state: "ready", runAt: since + DAY, isLast: true });
});

test("tries for a day, more often than it may fail, and is then one dead letter that says so", async () => {
  const queue = await queueHarness();
  await queue.add("digest@1", { maxAttempts: 1 });
  const since = queue.clock.nowMs();
  let tries = 1;
  while ((await waits(queue, await dueAgain(queue))).state === "ready") tries += 1;
  expect(tries).toBeGreaterThan(10);
  expect(tries).toBeLessThan(1_000);
  expect(queue.clock.nowMs() - since).toBe(DAY);
  const [letter] = await listDeadLetters(queue.store.db);
  expect(letter?.error).toBe(
    "given up after 1 d (retry.give_up_after), in which it could not be done: it is down",
  );
  expect(await queue.alerts()).toHaveLength(1);
  expect(await queue.job("digest@1")).toMatchObject({ state: "dead", waiting_since: null });
});

test("waits anew after an ordinary end, and goes on waiting after a halt", async () => {
  const queue = await queueHarness();
  await queue.add("digest@1");
  const since = queue.clock.nowMs();
  await waits(queue, await queue.claim());
  const halted = await dueAgain(queue);
  await queue.store.atomically((trx) => unclaim(trx, halted, "the cap is reached", 0, queue.clock.nowMs()));
  expect((await queue.job("digest@1")).waiting_since).toBe(since);

  const failed = await queue.claim();
  await queue.store.atomically((trx) =>
    fail(
      trx,
      queue.outbox.announce,
      failed,
      { error: "x", retry: { afterMs: 0 }, tick: null },
      failingAt(queue.clock.nowMs()),
    ),
  );
  expect(await queue.job("digest@1")).toMatchObject({ attempts: 1, waiting_since: null });
  queue.clock.advance(DAY);
  expect(await waits(queue, await queue.claim())).toMatchObject({ state: "ready" });
  expect(await queue.job("digest@1")).toMatchObject({ attempts: 1, waiting_since: queue.clock.nowMs() });

  const last = await dueAgain(queue);
  await queue.store.atomically((trx) => complete(trx, last, 1, queue.clock.nowMs()));
  expect((await queue.job("digest@1")).waiting_since).toBeNull();
});

test("waits anew under a clock that was set back", async () => {
  const queue = await queueHarness();
  await queue.add("digest@1");
  await waits(queue, await queue.claim());
  const job = await dueAgain(queue);
  queue.clock.jump(-400 * DAY);
  expect(await waits(queue, job)).toMatchObject({ state: "ready", isLast: false });
  expect((await queue.job("digest@1")).waiting_since).toBe(queue.clock.nowMs());
});
