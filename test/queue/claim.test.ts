// @module-tag processes
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { claim, nextRunAt } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import { unclaim } from "../../src/queue/fail.ts";
import { LEASE_MS } from "../../src/queue/job.ts";
import { race, startChild } from "../support/child.ts";
import { queueHarness } from "./harness.ts";
import { newJob } from "./new-job.ts";

const CHILDREN = fileURLToPath(new URL("children.ts", import.meta.url));

describe("a claim", () => {
  test("counts the attempt, sets the lease and raises the token", async () => {
    const { add, claim, job, clock } = await queueHarness();
    await add("digest@1");
    const claimed = await claim("runner-7");
    expect(claimed).toMatchObject({
      state: "running",
      attempts: 1,
      token: 1,
      lease_until: clock.nowMs() + LEASE_MS,
      runner: "runner-7",
    });
    expect(await job("digest@1")).toEqual(claimed);
  });

  test("gives the job that has been due longest", async () => {
    const { add, claim, clock } = await queueHarness();
    for (const key of ["first", "second", "third"]) {
      await add(key, { name: key });
      clock.advance(1);
    }
    expect([await claim(), await claim(), await claim()].map((job) => job.key)).toEqual([
      "first",
      "second",
      "third",
    ]);
  });

  test("goes by when a job is due and not by when it was added", async () => {
    const { add, claim, clock, store } = await queueHarness();
    await add("old", { name: "old" });
    clock.advance(1);
    await add("new", { name: "new" });
    const old = await claim();
    await store.atomically((trx) => unclaim(trx, old, "halted", clock.nowMs() + 10, clock.nowMs()));
    clock.advance(10);
    expect([(await claim()).key, (await claim()).key]).toEqual(["new", "old"]);
  });

  test("gives nothing before a job is due, and gives it when it is", async () => {
    const { store } = await queueHarness();
    await store.atomically((trx) => enqueue(trx, newJob("later"), 1_000));
    expect(await store.atomically((trx) => claim(trx, "runner-1", 999))).toBeUndefined();
    expect((await store.atomically((trx) => claim(trx, "runner-1", 1_000)))?.key).toBe("later");
  });

  test("gives nothing when all is running, done or dead", async () => {
    const { add, claim: take, store, clock } = await queueHarness();
    await add("running", { name: "running" });
    await take();
    await add("done", { name: "done" });
    const done = await take();
    await store.atomically((trx) => complete(trx, done, 0, clock.nowMs()));
    expect(
      await store.atomically((trx) => claim(trx, "runner-2", clock.nowMs() + 10 * LEASE_MS)),
    ).toBeUndefined();
  });

  test("of two processes that drain one queue gives each job to one of them, once", async () => {
    const { store } = await queueHarness();
    const keys = Array.from({ length: 200 }, (_, number) => `job-${number}`);
    for (const key of keys) await store.atomically((trx) => enqueue(trx, newJob(key), 1_000));
    const results = (await race(CHILDREN, [
      ["drain", store.path, "a"],
      ["drain", store.path, "b"],
    ])) as string[][];
    expect(results.flat().sort()).toEqual(keys.sort());
    const rows = await store.db.selectFrom("jobs").select(["state", "attempts", "token"]).execute();
    expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(
      new Set(['{"state":"done","attempts":1,"token":1}']),
    );
  });

  test("outlives the process that made it, with its attempt counted", async () => {
    const { store, job } = await queueHarness();
    await store.atomically((trx) => enqueue(trx, newJob("job-1"), 1_000));
    const child = await startChild(CHILDREN, ["claim", store.path, "doomed"]);
    expect(await child.go()).toBe("job-1");
    await child.kill();
    expect(await job("job-1")).toMatchObject({ state: "running", attempts: 1, runner: "doomed" });
  });
});

describe("the next due time", () => {
  test("is that of the earliest ready job, and none when nothing waits", async () => {
    const { store } = await queueHarness();
    expect(await nextRunAt(store.db)).toBeUndefined();
    await store.atomically((trx) => enqueue(trx, newJob("later", { name: "later" }), 2_000));
    await store.atomically((trx) => enqueue(trx, newJob("sooner", { name: "sooner" }), 1_000));
    expect(await nextRunAt(store.db)).toBe(1_000);
    await store.atomically((trx) => claim(trx, "runner-1", 1_500));
    expect(await nextRunAt(store.db)).toBe(2_000);
    await store.atomically((trx) => claim(trx, "runner-1", 2_000));
    expect(await nextRunAt(store.db)).toBeUndefined();
  });
});
