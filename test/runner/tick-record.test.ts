import { expect, it } from "vitest";
import type { Agent } from "../../src/agent.ts";
import { readMark } from "../../src/ops/high-water.ts";
import { readMeta } from "../../src/store/meta.ts";
import { harness } from "./harness.ts";

it("counts a generation with each tick, in the database and in the mark", async () => {
  const { agent } = await harness(() => undefined, { jobs: [] });
  const before = await generations(agent);
  expect(await agent.tick()).toMatchObject({ outcome: "idle" });
  const after = await generations(agent);
  expect(after).toEqual({ counted: before.counted + 1, marked: before.counted + 1 });
});

it("counts another with the end of one that did something, which an older copy has forgotten", async () => {
  const { agent } = await harness(() => undefined);
  await agent.tick();
  const before = await generations(agent);
  await agent.enqueue("work");
  expect(await agent.tick()).toMatchObject({ outcome: "ok" });
  const after = await generations(agent);
  expect(after).toEqual({ counted: before.counted + 2, marked: before.counted + 2 });
});

it("counts another with the end of one that failed", async () => {
  const { agent } = await harness(() => Promise.reject(new Error("no")));
  const before = await generations(agent);
  await agent.enqueue("work");
  expect(await agent.tick()).toMatchObject({ outcome: "failed" });
  expect((await generations(agent)).marked).toBe(before.counted + 2);
});

async function generations({ config, rails }: Agent): Promise<{ counted: number; marked: number }> {
  const { generation: marked } = readMark(config.paths.highWater);
  return { counted: await readMeta(rails.store.db, "generation"), marked };
}
