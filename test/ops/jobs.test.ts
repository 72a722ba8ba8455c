import { describe, expect, test } from "vitest";
import { listJobs } from "../../src/ops/jobs.ts";
import { showJob } from "../../src/ops/show-job.ts";
import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import { saveOutputs } from "../../src/queue/publish.ts";
import { saveStep } from "../../src/queue/steps.ts";
import { opsHarness } from "./harness.ts";

describe("a job", () => {
  test("is shown with its steps in the order they ran, and its outputs", async () => {
    const { rails, job } = await opsHarness();
    const { db } = rails.store;
    await job("digest@1", "ready");
    const claimed = (await rails.store.atomically((trx) => claim(trx, "runner-1", rails.clock.nowMs())))!;
    for (const step of ["fetch b", "fetch a"]) {
      rails.clock.advance(1_000);
      await saveStep(db, claimed, step, null, rails.clock.nowMs());
    }
    await rails.store.atomically(async (trx) => {
      await saveOutputs(trx, claimed.id, [{ name: "digest.md", content: "" }], rails.clock.nowMs());
      await complete(trx, claimed, 3, rails.clock.nowMs());
    });
    expect(await showJob(db, "digest@1")).toEqual({
      id: claimed.id,
      key: "digest@1",
      name: "digest",
      kind: "digest",
      state: "done",
      attempts: 1,
      maxAttempts: 5,
      waitingSince: null,
      runAt: "2026-11-21T10:00:00.000Z",
      createdAt: "2026-11-21T10:00:00.000Z",
      updatedAt: "2026-11-21T10:00:02.000Z",
      slotAt: expect.any(String),
      label: expect.any(String),
      units: 3,
      calls: { count: 0, settledMicros: 0, reservedMicros: 0, unknown: 0 },
      grants: [],
      wrote: null,
      result: null,
      deliveries: [],
      byHand: false,
      payload: "null",
      error: null,
      outputs: ["digest.md"],
      steps: [
        { name: "fetch b", at: Date.parse("2026-11-21T10:00:01Z") },
        { name: "fetch a", at: Date.parse("2026-11-21T10:00:02Z") },
      ],
    });
  });

  test.each(["exec", "agent"])("of kind %s is shown with what its program wrote", async (kind) => {
    const { rails, job } = await opsHarness();
    const { db } = rails.store;
    await job("digest@1", "ready");
    await db.updateTable("jobs").set({ kind }).execute();
    const claimed = (await rails.store.atomically((trx) => claim(trx, "runner-1", rails.clock.nowMs())))!;
    await saveStep(db, claimed, "run", { stdout: "printed", stderr: "warned" }, rails.clock.nowMs());
    expect((await showJob(db, "digest@1")).wrote).toEqual({
      stdout: "printed",
      stderr: "warned",
      isCut: false,
    });
  });

  test("that failed for good and was tried again is shown by what it came to last", async () => {
    const { rails, job } = await opsHarness();
    const { db } = rails.store;
    await job("digest@1", "done");
    const { id } = await showJob(db, "digest@1");
    for (const [outcome, title, created_at] of [
      ["dead", "failed for good", 1],
      ["done", "2 new items", 2],
    ] as const) {
      const report = JSON.stringify({ title, text: "", counts: null, sections: [], notes: [], files: [] });
      const row = { job_id: id, name: "digest", label: "2026-11-21", slot_at: 1, outcome, is_news: 1 };
      await db
        .insertInto("results")
        .values({ ...row, report, created_at })
        .execute();
    }
    expect(await showJob(db, "digest@1")).toMatchObject({ result: { title: "2 new items" } });
  });

  test("that is not there is not shown", async () => {
    const { rails, job } = await opsHarness();
    await job("digest@1", "ready");
    await expect(showJob(rails.store.db, "digest@2")).rejects.toThrow(
      "there is no job digest@2; see: afk jobs",
    );
  });
});

test("jobs are listed with the newest first, and no more than are asked for", async () => {
  const { rails, job } = await opsHarness();
  for (const key of ["first", "second", "third"]) await job(key, "done");
  const shown = await listJobs(rails.store.db, 2);
  expect(shown.map(({ key }) => key)).toEqual(["third", "second"]);
});
