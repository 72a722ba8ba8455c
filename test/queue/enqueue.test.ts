// @module-tag processes
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { complete } from "../../src/queue/complete.ts";
import { race } from "../support/child.ts";
import { queueHarness } from "./harness.ts";

const CHILDREN = fileURLToPath(new URL("children.ts", import.meta.url));

describe("a new job", () => {
  test("is ready at once, untried, and keeps what it was given", async () => {
    const { add, job, clock } = await queueHarness();
    expect(await add("digest@1", { payload: { since: "yesterday" }, maxAttempts: 4, byHand: true })).toBe(
      true,
    );
    expect(await job("digest@1")).toMatchObject({
      name: "digest",
      kind: "digest",
      payload: '{"since":"yesterday"}',
      state: "ready",
      attempts: 0,
      max_attempts: 4,
      run_at: clock.nowMs(),
      lease_until: null,
      runner: null,
      by_hand: 1,
      label: "2026-11-21",
      created_at: clock.nowMs(),
    });
  });

  test("without a payload has null for one", async () => {
    const { add, job } = await queueHarness();
    await add("digest@1", { payload: undefined });
    expect((await job("digest@1")).payload).toBe("null");
  });
});

describe("a key that is known", () => {
  test("is not added again, and the first job stays as it is", async () => {
    const { add, job, clock, store } = await queueHarness();
    await add("digest@1", { payload: "first" });
    const before = await job("digest@1");
    clock.advance(1_000);
    expect(await add("digest@1", { payload: "second" })).toBe(false);
    expect(await job("digest@1")).toEqual(before);
    expect(await store.db.selectFrom("jobs").select("id").execute()).toHaveLength(1);
  });

  test("is not added again when its job is done", async () => {
    const { add, claim, job, store } = await queueHarness();
    await add("digest@1");
    const claimed = await claim();
    await store.atomically((trx) => complete(trx, claimed, 1, 1));
    expect(await add("digest@1")).toBe(false);
    expect((await job("digest@1")).state).toBe("done");
  });

  test("is added once by two processes that race for it", async () => {
    const { store } = await queueHarness();
    const results = await race(CHILDREN, [
      ["enqueue", store.path, "a"],
      ["enqueue", store.path, "b"],
    ]);
    const added = (results as string[][]).flat().sort();
    expect(added).toEqual(Array.from({ length: 50 }, (_, number) => `job-${number}`).sort());
    expect(await store.db.selectFrom("jobs").select("id").execute()).toHaveLength(50);
  });
});

describe("a key", () => {
  test.each(["a", "digest@2026-11-21T06:00:00.000Z", "Übersicht 日本 🙂", "x".repeat(200), "🙂".repeat(200)])(
    "may be %j",
    async (key) => {
      const { add } = await queueHarness();
      expect(await add(key)).toBe(true);
    },
  );

  test.each([
    "",
    "x".repeat(201),
    "two\nlines",
    "tab\there",
    "nul\0",
    "escape\u001b[31m",
    "\u0085",
    "\u2028",
  ])("may not be %j", async (key) => {
    const { add, store } = await queueHarness();
    await expect(add(key)).rejects.toMatchObject({ code: "bad_key", retry: "never" });
    expect(await store.db.selectFrom("jobs").select("id").execute()).toEqual([]);
  });
});
