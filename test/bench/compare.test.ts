import { expect, test } from "vitest";
import { compare, speedRow } from "../../bench/harness/compare.ts";
import { testTools } from "./tools.ts";

test("baseline and subject take turns, each round is prepared, and the disk is measured beside it", async () => {
  const tools = testTools();
  const done: string[] = [];
  const side = (name: string) => ({
    prepare: () => void done.push(`${name} prepared`),
    operation: async () => void done.push(name),
  });
  const sides = { baseline: side("A"), subject: side("B") };
  const compared = await compare(tools, sides, { rounds: 2, operations: 2 });
  const round = ["A prepared", "A", "A", "B prepared", "B", "B"];
  // The first one only warms up.
  expect(done).toEqual([...round, ...round, ...round]);
  expect(compared.ratio.count).toBe(2);
  expect(tools.calibrated()).toBe(3);
});

test("what takes longer has a larger ratio, and a smaller speed", async () => {
  const work = (steps: number) => () => {
    let sum = 0;
    for (let step = 0; step < steps; step++) sum += Math.sqrt(step);
    return sum;
  };
  const sides = { baseline: { operation: work(1_000) }, subject: { operation: work(400_000) } };
  const compared = await compare(testTools(), sides, { rounds: 5, operations: 5 });
  expect(compared.ratio.median).toBeGreaterThan(2);
  const { result } = speedRow("subject", "baseline", compared, null);
  expect(result).toMatchObject({ type: "ratio", ratio: { median: 1 / compared.ratio.median } });
});

test("a failing operation fails the comparison", async () => {
  const broken = { operation: () => Promise.reject(new Error("broken")) };
  const sides = { baseline: broken, subject: broken };
  await expect(compare(testTools(), sides, { rounds: 1, operations: 1 })).rejects.toThrow("broken");
});
