import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { type GuardedProcess, GuardLost, underWedgeGuard } from "../../src/runner/wedge-guard.ts";
import { COMPILE_CACHE, deployment } from "../support/afk.ts";
import { runNode } from "../support/run-node.ts";
import { seededRandomness } from "../support/seeded.ts";
import { rig } from "./rig.ts";

// What a guard does to a process that hangs is in test/chaos/always-killable.test.ts: it takes a process to lose.

it("gives what the work gives, and throws what it throws", async () => {
  const { guarded } = await subject();
  expect(await underWedgeGuard(guarded, async () => "done")).toBe("done");
  await expect(underWedgeGuard(guarded, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
});

it("ends with the work, however soon that is", async () => {
  const { guarded } = await subject();
  const { random } = seededRandomness(3);
  for (let turn = 0; turn < 20; turn++) {
    const began = performance.now();
    const ms = Math.floor(random() * 60);
    await underWedgeGuard(guarded, async () => void (await sleep(ms)));
    // A thread that missed its end would go on until it kills this process.
    expect(performance.now() - began).toBeLessThan(5_000);
  }
});

it("leaves a database without a trace of its reading", async () => {
  const { guarded, target } = await subject();
  await underWedgeGuard({ ...guarded, limits: QUICK }, async () => void (await sleep(300)));
  await guarded.close();
  expect(readdirSync(target.state).filter((name) => /^afk\.db-/.test(name))).toEqual([]);
  expect(existsSync(`${target.state}/wedged.json`)).toBe(false);
});

describe("a guard that fails", () => {
  it("stops the work, and says so", async () => {
    const { guarded, target } = await subject();
    let seen: unknown;
    const work = underWedgeGuard(broken(guarded), async () => {
      await new Promise((resolve) => guarded.watch.signal.addEventListener("abort", resolve));
      seen = guarded.watch.signal.reason;
      return "done";
    });
    await expect(work).rejects.toThrow(GuardLost);
    expect(String(seen)).toContain("nothing runs without it");
    expect(target.events()).toContain("guard_lost");
  });

  it("does not hide what the work itself failed of", async () => {
    const { guarded } = await subject();
    const work = underWedgeGuard(broken(guarded), async () => {
      await new Promise((resolve) => guarded.watch.signal.addEventListener("abort", resolve));
      throw new Error("the work's own");
    });
    await expect(work).rejects.toThrow("the work's own");
  });
});

it("watches the ticks of a process that says it is afk's own, and no other", async () => {
  let started = 0;
  const count = () => void started++;
  process.on("worker", count);
  onTestFinished(() => void process.off("worker", count));
  for (const [ownsProcess, expected] of [
    [false, 0],
    [true, 1],
  ] as const) {
    const { agent } = await rig(() => undefined, {}, { ownsProcess });
    expect(await agent.tick()).toMatchObject({ outcome: "idle" });
    expect(started).toBe(expected);
  }
});

it("does not hold up a process that ends in the middle of the work", async () => {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
  });
  for (const ms of [0, 50, 600]) {
    const began = performance.now();
    const { code, stderr } = await runNode(EXITS, [target.dir, String(ms)], COMPILE_CACHE);
    expect(stderr).toBe("");
    expect(code).toBe(7);
    expect(performance.now() - began).toBeLessThan(9_000);
  }
});

const EXITS = fileURLToPath(new URL("../support/exit-in-work.ts", import.meta.url));

/** Its looks are many, and none of its limits is reached: it watches the process that runs the tests. */
const QUICK = { stepMs: 10, killStepsMax: 10_000, pagerStepsMax: 10_000, silentStepsMax: 10_000 };

async function subject() {
  const { agent, target } = await rig(() => undefined);
  const { config, log, rails } = agent;
  const guarded: GuardedProcess & { close(): Promise<void> } = {
    config,
    log,
    watch: rails.watch,
    close: () => agent.close(),
  };
  return { guarded, target };
}

/** Its thread cannot make a redactor of this. */
function broken(guarded: GuardedProcess): GuardedProcess {
  return { ...guarded, config: { ...guarded.config, secrets: null as never } };
}
