import { describe, expect, test } from "vitest";
import type { Announce } from "../../src/alerts/outbox.ts";
import { complete } from "../../src/queue/complete.ts";
import { extend } from "../../src/queue/extend.ts";
import { fail, unclaim } from "../../src/queue/fail.ts";
import { type JobRow, LEASE_MS, LeaseLost } from "../../src/queue/job.ts";
import { saveOutputs } from "../../src/queue/publish.ts";
import { saveStep } from "../../src/queue/steps.ts";
import { wait } from "../../src/queue/wait.ts";
import type { Trx } from "../../src/store/schema.ts";
import { failingAt, type QueueHarness, queueHarness } from "./harness.ts";

type Write = (trx: Trx, announce: Announce, job: JobRow, nowMs: number) => Promise<unknown>;

/** Every write of a claimed job. */
const WRITES: Record<string, Write> = {
  complete: (trx, _announce, job, nowMs) => complete(trx, job, 1, nowMs),
  "fail for now": (trx, announce, job, nowMs) =>
    fail(trx, announce, job, { error: "x", retry: "later", tick: null }, failingAt(nowMs)),
  "fail for good": (trx, announce, job, nowMs) =>
    fail(trx, announce, job, { error: "x", retry: "never", tick: null }, failingAt(nowMs)),
  "wait for what is down": (trx, announce, job, nowMs) =>
    wait(trx, announce, job, { error: "x", retry: "later", tick: null }, failingAt(nowMs)),
  unclaim: (trx, _announce, job, nowMs) => unclaim(trx, job, "halted", nowMs, nowMs),
  "record a step": (trx, _announce, job, nowMs) => saveStep(trx, job, "late", "result", nowMs),
};

/** How a claim comes to be no longer the newest one. */
const LOSSES: Record<string, (queue: QueueHarness, stale: JobRow) => Promise<void>> = {
  "somebody else has claimed the job again": async (queue, stale) => {
    await queue.store.atomically((trx) => unclaim(trx, stale, "halted", 0, 0));
    await queue.claim("runner-2");
  },
  "the job waits to be tried again": async (queue, stale) => {
    await queue.store.atomically((trx) => unclaim(trx, stale, "halted", 0, 0));
  },
  "the job is done": async (queue, stale) => {
    await queue.store.atomically((trx) => complete(trx, stale, 1, 0));
  },
  "the job is dead": async (queue, stale) => {
    await queue.store.atomically((trx) =>
      fail(trx, queue.outbox.announce, stale, { error: "x", retry: "never", tick: null }, failingAt(0)),
    );
  },
};

const CASES = Object.keys(WRITES).flatMap((write) =>
  Object.keys(LOSSES).map((loss) => [write, loss] as const),
);

async function everything(queue: QueueHarness): Promise<unknown> {
  const { db } = queue.store;
  return {
    jobs: await db.selectFrom("jobs").selectAll().execute(),
    steps: await db.selectFrom("steps").selectAll().execute(),
    dead: await db.selectFrom("dead_letters").selectAll().execute(),
    outputs: await db.selectFrom("outputs").selectAll().execute(),
    alerts: await queue.alerts(),
  };
}

describe("a claim that is no longer the newest one", () => {
  test.each(CASES)("cannot %s when %s", async (write, loss) => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const stale = await queue.claim();
    await LOSSES[loss]!(queue, stale);
    const before = await everything(queue);
    const late = queue.store.atomically((trx) => WRITES[write]!(trx, queue.outbox.announce, stale, 9));
    await expect(late).rejects.toBeInstanceOf(LeaseLost);
    expect(await everything(queue)).toEqual(before);
  });

  test.each(Object.keys(LOSSES))("is not renewed when %s", async (loss) => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const stale = await queue.claim();
    await LOSSES[loss]!(queue, stale);
    const before = await everything(queue);
    await expect(extend(queue.store.db, stale, queue.clock.nowMs())).rejects.toThrow(LeaseLost);
    expect(await everything(queue)).toEqual(before);
  });

  test("takes the outputs of its transaction with it", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const stale = await queue.claim();
    await LOSSES["somebody else has claimed the job again"]!(queue, stale);
    const late = queue.store.atomically(async (trx) => {
      await saveOutputs(trx, stale.id, [{ name: "late.md", content: "late" }], 1);
      await complete(trx, stale, 1, 1);
    });
    await expect(late).rejects.toMatchObject({ code: "lease_lost", retry: "never" });
    expect(await queue.store.db.selectFrom("outputs").selectAll().execute()).toEqual([]);
  });
});

describe("the newest claim", () => {
  test.each(Object.keys(WRITES))(
    "can %s, even after its lease ran out, as long as nobody else has the job",
    async (write) => {
      const queue = await queueHarness();
      await queue.add("digest@1");
      const job = await queue.claim();
      queue.clock.advance(2 * LEASE_MS);
      const now = queue.clock.nowMs();
      await queue.store.atomically((trx) => WRITES[write]!(trx, queue.outbox.announce, job, now));
    },
  );

  test("is renewed for another lease from now", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const job = await queue.claim();
    queue.clock.advance(LEASE_MS / 3);
    await extend(queue.store.db, job, queue.clock.nowMs());
    expect(await queue.job("digest@1")).toMatchObject({
      lease_until: queue.clock.nowMs() + LEASE_MS,
      token: job.token,
      attempts: 1,
    });
  });

  test("completes the job with its units, and leaves neither lease nor error", async () => {
    const queue = await queueHarness();
    await queue.add("digest@1");
    const first = await queue.claim();
    await queue.store.atomically((trx) =>
      fail(
        trx,
        queue.outbox.announce,
        first,
        { error: "x", retry: { afterMs: 0 }, tick: null },
        failingAt(0),
      ),
    );
    const second = await queue.claim();
    expect(second).toMatchObject({ attempts: 2, token: 2, error: "x" });
    await queue.store.atomically((trx) => complete(trx, second, 7, 5));
    expect(await queue.job("digest@1")).toMatchObject({
      state: "done",
      units: 7,
      attempts: 2,
      lease_until: null,
      runner: null,
      error: null,
      updated_at: 5,
    });
  });
});
