// @module-tag processes
import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { type GuardedProcess, GuardLost, underWedgeGuard } from "../../../src/runner/wedge/guard.ts";
import { WEDGE_LIMITS } from "../../../src/runner/wedge/steps.ts";
import { COMPILE_CACHE, deployment } from "../../support/afk.ts";
import { runNode } from "../../support/run-node.ts";
import { seededRandomness } from "../../support/seeded.ts";
import { harness } from "../harness.ts";

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
    await underWedgeGuard(guarded, () => sleep(ms));
    // A thread that missed its end would go on until it kills this process.
    expect(performance.now() - began).toBeLessThan(5_000);
  }
});

it("leaves a database without a trace of its reading", async () => {
  const { guarded, target } = await subject();
  await underWedgeGuard({ ...guarded, limits: QUICK }, () => sleep(300));
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

describe("a thread", () => {
  it.each([
    [false, 0],
    [true, 1],
  ])("watches the jobs of a process that is afk's own, and no other (%s)", async (ownsProcess, expected) => {
    const threads = countThreads();
    const seen: number[] = [];
    const run = async () => {
      // Node tells of a thread in the next turn.
      await turn();
      seen.push(threads.started);
      return undefined;
    };
    const { agent } = await harness(run, { jobs: [JOB] }, { ...PATIENT, ownsProcess });
    expect(await agent.tick()).toMatchObject({ outcome: "ok" });
    expect(seen).toEqual([expected]);
  });

  it("watches a tick that finds nothing to do too", async () => {
    const threads = countThreads();
    const { agent } = await harness(() => undefined, {}, PATIENT);
    expect(await agent.tick()).toMatchObject({ outcome: "idle" });
    expect(threads.started).toBe(1);
  });

  it("watches the loop from its start", async () => {
    const threads = countThreads();
    const { agent } = await harness(() => undefined, {}, PATIENT);
    const running = agent.run();
    await threads.next;
    agent.rails.watch.trip({ by: "signal", at: 0, reason: "the test is over" });
    expect(await running).toBe(0);
  });
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

const EXITS = fileURLToPath(new URL("../../support/exit-in-work.ts", import.meta.url));

/** Its looks are many, and none of its limits is reached: it watches the process that runs the tests. */
const QUICK = {
  stepMs: 10,
  livenessMs: 10,
  killStepsMax: 10_000,
  alertStepsMax: 10_000,
  silentStepsMax: 10_000,
};

const JOB = { name: "work", kind: "work", every: "1h" };
/** However long a tick may take on a machine that is busy, it is not one step. */
const PATIENT = { ownsProcess: true, wedgeLimits: { ...WEDGE_LIMITS, stepMs: 60_000 } };

function countThreads(): { started: number; next: Promise<void> } {
  const next = Promise.withResolvers<void>();
  const threads = { started: 0, next: next.promise };
  const count = () => {
    threads.started += 1;
    next.resolve();
  };
  process.on("worker", count);
  onTestFinished(() => void process.off("worker", count));
  return threads;
}

async function subject() {
  const { agent, target } = await harness(() => undefined);
  const { config, log, rails } = agent;
  const guarded: GuardedProcess & { close(): Promise<void> } = {
    config,
    log,
    watch: rails.watch,
    files: rails.store.health.files,
    close: () => agent.close(),
  };
  return { guarded, target };
}

/** Its thread cannot make a redactor of this. */
function broken(guarded: GuardedProcess): GuardedProcess {
  return { ...guarded, config: { ...guarded.config, secrets: null as never } };
}
