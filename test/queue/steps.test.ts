import { describe, expect, test } from "vitest";
import { readStep, saveStep } from "../../src/queue/steps.ts";
import { type QueueHarness, queueHarness } from "./harness.ts";

const MIB = 1024 * 1024;

async function running(): Promise<{ queue: QueueHarness; job: Awaited<ReturnType<QueueHarness["claim"]>> }> {
  const queue = await queueHarness();
  await queue.add("digest@1");
  return { queue, job: await queue.claim() };
}

describe("a step", () => {
  test("that has not run has no result", async () => {
    const { queue, job } = await running();
    expect(await readStep(queue.store.db, job.id, "fetch")).toBeUndefined();
  });

  test.each([[{ title: "ü", list: [1, null] }], [null], [""], [0], [false], [[]]])(
    "keeps the result %j",
    async (result) => {
      const { queue, job } = await running();
      await saveStep(queue.store.db, job, "fetch", result, 1);
      expect(JSON.parse((await readStep(queue.store.db, job.id, "fetch"))!)).toEqual(result);
    },
  );

  test("that gave nothing keeps null, and so counts as run", async () => {
    const { queue, job } = await running();
    await saveStep(queue.store.db, job, "fetch", undefined, 1);
    expect(await readStep(queue.store.db, job.id, "fetch")).toBe("null");
  });

  test("is recorded once: a second result under its name is refused, and the first one stays", async () => {
    const { queue, job } = await running();
    await saveStep(queue.store.db, job, "fetch", "first", 1);
    await expect(saveStep(queue.store.db, job, "fetch", "second", 2)).rejects.toMatchObject({
      code: "SQLITE_CONSTRAINT_PRIMARYKEY",
    });
    expect(await readStep(queue.store.db, job.id, "fetch")).toBe('"first"');
  });

  test("of one job is not that of another", async () => {
    const { queue, job } = await running();
    await queue.add("watch@2", { name: "watch" });
    const other = await queue.claim();
    await saveStep(queue.store.db, job, "fetch", "mine", 1);
    expect(await readStep(queue.store.db, other.id, "fetch")).toBeUndefined();
    await saveStep(queue.store.db, other, "fetch", "theirs", 1);
    expect(await readStep(queue.store.db, job.id, "fetch")).toBe('"mine"');
  });

  test("may keep 4 MiB of JSON", async () => {
    const { queue, job } = await running();
    const result = "x".repeat(4 * MIB - 2);
    await saveStep(queue.store.db, job, "fetch", result, 1);
    expect(await readStep(queue.store.db, job.id, "fetch")).toHaveLength(4 * MIB);
  });

  test.each([
    ["one byte more", "x".repeat(4 * MIB - 1)],
    ["as many characters of more than one byte", "ü".repeat(2 * MIB)],
  ])("may not keep %s, which trying again cannot heal", async (_what, result) => {
    const { queue, job } = await running();
    await expect(saveStep(queue.store.db, job, "fetch", result, 1)).rejects.toMatchObject({
      code: "step_too_large",
      retry: "never",
    });
    expect(await readStep(queue.store.db, job.id, "fetch")).toBeUndefined();
  });
});
