import { describe, expect, test } from "vitest";
import {
  deadLetterKeys,
  dropDeadLetter,
  findDeadLetters,
  listDeadLetters,
  retryDeadLetter,
} from "../../src/queue/dead-letters.ts";
import type { NewJob } from "../../src/queue/enqueue.ts";
import { fail } from "../../src/queue/fail.ts";
import type { JobRow } from "../../src/queue/job.ts";
import { readStep, saveStep } from "../../src/queue/steps.ts";
import { failingAt, type QueueHarness, queueHarness } from "./harness.ts";

async function deadLetter(queue: QueueHarness, job: JobRow, error = "the payload is bad"): Promise<void> {
  const failure = { error, retry: "never" as const, tick: "tick-1" };
  await queue.store.atomically((trx) =>
    fail(trx, queue.outbox.announce, job, failure, failingAt(queue.clock.nowMs())),
  );
}

async function deadJob(
  queue: QueueHarness,
  key: string,
  { error, ...fields }: Partial<NewJob> & { error?: string } = {},
): Promise<JobRow> {
  queue.clock.advance(1);
  await queue.add(key, { payload: { url: "https://example.org" }, ...fields });
  const job = await queue.claim();
  await saveStep(queue.store.db, job, "fetch", "page", queue.clock.nowMs());
  await deadLetter(queue, job, error);
  return job;
}

const incidents = (queue: QueueHarness) =>
  queue.store.db.selectFrom("incidents").select(["count", "recovered_at"]).orderBy("id").execute();

async function retry(queue: QueueHarness, word: string, named: string | null = null) {
  const [letter] = await findDeadLetters(queue.store.db, word);
  return await queue.store.atomically((trx) => retryDeadLetter(trx, letter!, named, queue.clock.nowMs()));
}

describe("a dead letter", () => {
  test("keeps the payload, the error, its cause, the attempts and the trace", async () => {
    const queue = await queueHarness();
    const job = await deadJob(queue, "digest@1");
    expect(await findDeadLetters(queue.store.db, "digest@1")).toEqual([
      {
        job_id: job.id,
        key: "digest@1",
        name: "digest",
        kind: "digest",
        payload: '{"url":"https://example.org"}',
        error: "the payload is bad",
        cause: "the payload is bad",
        attempts: 1,
        trace: '{"tick":"tick-1","steps":["fetch"]}',
        died_at: queue.clock.nowMs(),
        runs: 1,
      },
    ]);
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
      "It failed 1 of 3 times and waits for you. the payload is bad. Look: afk dead show digest",
    );
  });

  test("is found by a key, else by the job's name, else by the beginning of a key", async () => {
    const queue = await queueHarness();
    await deadJob(queue, "digest@1", { error: "first" });
    await deadJob(queue, "digest@22", { error: "second" });
    await deadJob(queue, "other@1", { name: "other" });
    const found = async (word: string) => (await findDeadLetters(queue.store.db, word)).map(({ key }) => key);
    expect(await found("digest@1")).toEqual(["digest@1"]);
    expect(await found("digest")).toEqual(["digest@22", "digest@1"]);
    expect(await found("digest@2")).toEqual(["digest@22"]);
    expect(await found("o")).toEqual(["other@1"]);
    for (const word of ["%", "_", "third", "digest@222"]) expect(await found(word)).toEqual([]);
  });
});

describe("runs of a job that die of one cause", () => {
  test("are one letter, one alert and one incident, which counts them", async () => {
    const queue = await queueHarness();
    for (let run = 1; run <= 7; run++)
      await deadJob(queue, `digest@${run}`, { error: `line ${run * 17} cannot be read` });
    const [letter, ...more] = await listDeadLetters(queue.store.db);
    expect(letter).toMatchObject({ key: "digest@7", runs: 7, error: "line 119 cannot be read" });
    expect(more).toEqual([]);
    expect(await deadLetterKeys(queue.store.db, letter!, 3)).toEqual(["digest@7", "digest@6", "digest@5"]);
    expect(await queue.alerts()).toHaveLength(1);
    expect(await incidents(queue)).toEqual([{ count: 7, recovered_at: null }]);
  });

  test("are another letter for another cause, and for another job", async () => {
    const queue = await queueHarness();
    await deadJob(queue, "digest@1");
    await deadJob(queue, "digest@2", { error: "the disk is gone" });
    await deadJob(queue, "other@1", { name: "other" });
    expect((await listDeadLetters(queue.store.db)).map(({ key }) => key)).toEqual([
      "other@1",
      "digest@2",
      "digest@1",
    ]);
    expect(await queue.alerts()).toHaveLength(3);
    expect(await incidents(queue)).toHaveLength(3);
  });

  test("are told of anew once a person has seen to those before", async () => {
    const queue = await queueHarness();
    await deadJob(queue, "digest@1");
    await deadJob(queue, "digest@2");
    await retry(queue, "digest");
    expect(await incidents(queue)).toEqual([{ count: 2, recovered_at: queue.clock.nowMs() }]);
    await deadLetter(queue, await queue.claim());
    expect(await queue.alerts()).toHaveLength(2);
    expect(await listDeadLetters(queue.store.db)).toMatchObject([{ key: "digest@2", runs: 1 }]);
  });
});

describe("a dead letter that is tried again", () => {
  test("is a ready job with all its attempts, and what its steps recorded is kept", async () => {
    const queue = await queueHarness();
    const dead = await deadJob(queue, "digest@1");
    queue.clock.advance(60_000);
    expect(await retry(queue, "digest@1")).toEqual({ ready: ["digest@1"], left: [] });
    expect(await findDeadLetters(queue.store.db, "digest@1")).toEqual([]);
    expect(await queue.job("digest@1")).toMatchObject({
      ...{ state: "ready", attempts: 0, run_at: queue.clock.nowMs(), error: null },
    });
    expect(await readStep(queue.store.db, dead.id, "fetch")).toBe('"page"');
    expect(await queue.claim()).toMatchObject({ attempts: 1, token: 2 });
  });

  test("runs the newest of a schedule, and all that somebody asked for", async () => {
    const queue = await queueHarness();
    for (const key of ["digest@1", "digest@2", "digest@3"]) await deadJob(queue, key);
    for (const key of ["asked-1", "asked-2"]) await deadJob(queue, key, { byHand: true });
    expect(await retry(queue, "digest")).toEqual({
      ready: ["digest@3", "asked-1", "asked-2"],
      left: ["digest@1", "digest@2"],
    });
    expect(await listDeadLetters(queue.store.db)).toEqual([]);
    expect((await queue.job("digest@1")).state).toBe("dead");
    expect(await queue.add("digest@1")).toBe(false);
  });

  test("runs an older one of a schedule too when it was named", async () => {
    const queue = await queueHarness();
    for (const key of ["digest@1", "digest@2", "digest@3"]) await deadJob(queue, key);
    expect(await retry(queue, "digest@1", "digest@1")).toEqual({
      ready: ["digest@1", "digest@3"],
      left: ["digest@2"],
    });
  });
});

describe("a dead letter that is dropped", () => {
  test("is gone, and the keys of its runs stay taken so that none runs again", async () => {
    const queue = await queueHarness();
    for (const key of ["digest@1", "digest@2"]) await deadJob(queue, key);
    await deadJob(queue, "digest@3", { error: "another" });
    const [letter] = await findDeadLetters(queue.store.db, "digest@1");
    await queue.store.atomically((trx) => dropDeadLetter(trx, letter!, queue.clock.nowMs()));
    expect((await listDeadLetters(queue.store.db)).map(({ key }) => key)).toEqual(["digest@3"]);
    expect(await queue.add("digest@1")).toBe(false);
    expect((await queue.job("digest@2")).state).toBe("dead");
  });
});
