import { describe, expect, test } from "vitest";
import { dropDead, findDead, listDead, retryDead } from "../../src/queue/dead-letter.ts";
import { fail } from "../../src/queue/fail.ts";
import type { JobRow } from "../../src/queue/job.ts";
import { readStep, saveStep } from "../../src/queue/steps.ts";
import { seededRandomness } from "../support/seeded.ts";
import { type QueueHarness, queueHarness } from "./harness.ts";

async function bury(queue: QueueHarness, job: JobRow, error = "the payload is bad"): Promise<void> {
  await queue.outbox.transaction((trx, announce) =>
    fail(
      trx,
      announce,
      job,
      { error, retry: "never", tick: "tick-1" },
      queue.clock.nowMs(),
      seededRandomness(),
    ),
  );
}

async function deadJob(queue: QueueHarness, key: string): Promise<JobRow> {
  await queue.add(key, { payload: { url: "https://example.org" } });
  const job = await queue.claim();
  await saveStep(queue.store.db, job, "fetch", "page", queue.clock.nowMs());
  await bury(queue, job);
  return job;
}

describe("a dead letter", () => {
  test("keeps the payload, the error, the attempts and the trace", async () => {
    const queue = await queueHarness();
    const job = await deadJob(queue, "digest@1");
    expect(await findDead(queue.store.db, "digest@1")).toEqual({
      job_id: job.id,
      key: "digest@1",
      name: "digest",
      kind: "digest",
      payload: '{"url":"https://example.org"}',
      error: "the payload is bad",
      attempts: 1,
      trace: '{"tick":"tick-1","steps":["fetch"]}',
      died_at: queue.clock.nowMs(),
    });
  });

  test("is told of once, with the job, the tick and what to do", async () => {
    const queue = await queueHarness();
    await deadJob(queue, "digest@1");
    const rows = await queue.store.db.selectFrom("alerts").selectAll().execute();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ event: "job_dead", severity: "error" });
    const payload = JSON.parse(rows[0]!.payload);
    expect(payload).toMatchObject({ job: "digest@1", tick: "tick-1", title: "digest gave up" });
    expect(payload.message).toBe(
      "Job digest@1 failed 1 of 3 times and waits for you. the payload is bad. Look: afk dead show digest@1",
    );
  });

  test("is listed, the newest first", async () => {
    const queue = await queueHarness();
    expect(await listDead(queue.store.db)).toEqual([]);
    await deadJob(queue, "first");
    queue.clock.advance(1);
    await deadJob(queue, "second");
    expect((await listDead(queue.store.db)).map((letter) => letter.key)).toEqual(["second", "first"]);
    expect(await findDead(queue.store.db, "third")).toBeUndefined();
  });
});

describe("a dead letter that is tried again", () => {
  test("is a ready job with all its attempts, and what its steps recorded is kept", async () => {
    const queue = await queueHarness();
    const dead = await deadJob(queue, "digest@1");
    queue.clock.advance(60_000);
    expect(await queue.store.transaction((trx) => retryDead(trx, "digest@1", queue.clock.nowMs()))).toBe(
      true,
    );
    expect(await findDead(queue.store.db, "digest@1")).toBeUndefined();
    expect(await queue.job("digest@1")).toMatchObject({
      state: "ready",
      attempts: 0,
      run_at: queue.clock.nowMs(),
      error: null,
    });
    expect(await readStep(queue.store.db, dead.id, "fetch")).toBe('"page"');
    expect(await queue.claim()).toMatchObject({ attempts: 1, token: 2 });
  });

  test("is told of again when it dies again", async () => {
    const queue = await queueHarness();
    await deadJob(queue, "digest@1");
    await queue.store.transaction((trx) => retryDead(trx, "digest@1", queue.clock.nowMs()));
    await bury(queue, await queue.claim(), "still bad");
    expect(await queue.alerts()).toHaveLength(2);
    expect(await findDead(queue.store.db, "digest@1")).toMatchObject({ error: "still bad" });
  });

  test("must be there", async () => {
    const queue = await queueHarness();
    await queue.add("alive");
    const before = await queue.job("alive");
    for (const key of ["alive", "unknown"]) {
      expect(await queue.store.transaction((trx) => retryDead(trx, key, 1))).toBe(false);
    }
    expect(await queue.job("alive")).toEqual(before);
  });
});

describe("a dead letter that is dropped", () => {
  test("is gone, and its key stays taken so that it does not run again", async () => {
    const queue = await queueHarness();
    await deadJob(queue, "digest@1");
    await deadJob(queue, "digest@2");
    expect(await queue.store.transaction((trx) => dropDead(trx, "digest@1", queue.clock.nowMs()))).toBe(true);
    expect((await listDead(queue.store.db)).map((letter) => letter.key)).toEqual(["digest@2"]);
    expect(await queue.add("digest@1")).toBe(false);
    expect((await queue.job("digest@1")).state).toBe("dead");
  });

  test("cannot be dropped or tried again a second time", async () => {
    const queue = await queueHarness();
    await deadJob(queue, "digest@1");
    await queue.store.transaction((trx) => dropDead(trx, "digest@1", queue.clock.nowMs()));
    expect(await queue.store.transaction((trx) => dropDead(trx, "digest@1", queue.clock.nowMs()))).toBe(
      false,
    );
    expect(await queue.store.transaction((trx) => retryDead(trx, "digest@1", 1))).toBe(false);
  });
});
