import { describe, expect, it } from "vitest";
import type { TickResult } from "../../src/runner/tick.ts";
import { type Harness, harness } from "./harness.ts";

const SECOND = 1_000;

describe("the loop", () => {
  it("ticks as often as TICK_SECONDS says, and ends with 0 when it is told to", async () => {
    const loop = await looping({}, "90");

    expect(await loop.run(3)).toBe(0);

    expect(startsOf(loop.ticks)).toEqual([0, 90, 180]);
  });

  it("ticks earlier when scheduled work is due", async () => {
    const loop = await looping({ jobs: [{ name: "work", kind: "work", every: "30s" }] }, "3600");

    await loop.run(3);

    expect(startsOf(loop.ticks)).toEqual([0, 30, 60]);
    expect(loop.ran).toHaveLength(3);
  });

  it("ticks at once for work that another process adds", async () => {
    const loop = await looping({}, "3600");
    const other = await loop.reopen({});

    await loop.run(2, () => void other.enqueue("work"));

    const [, second] = startsOf(loop.ticks);
    expect(second).toBeLessThan(60);
    expect(loop.ran).toHaveLength(1);
  });

  it("does not take a job that a rail has stopped for new work", async () => {
    const loop = await looping(
      {
        budget: { daily_cap_usd: 0 },
        models: { chain: ["ollama/test-model"], providers: { ollama: { base_url: "http://127.0.0.1:9" } } },
      },
      "600",
      async (context) => {
        await context.complete("ask", { messages: [{ role: "user", content: "Hello." }] });
        return undefined;
      },
    );
    await loop.agent.enqueue("work");

    await loop.run(2);

    expect(startsOf(loop.ticks)).toEqual([0, 600]);
    expect(loop.ticks.map(({ outcome }) => outcome)).toEqual(["halted", "halted"]);
  });

  it("goes on after a tick that failed", async () => {
    const loop = await looping(
      { jobs: [{ name: "work", kind: "work", retry: { attempts: 1 } }] },
      "60",
      () => {
        throw new Error("broken");
      },
    );
    await loop.agent.enqueue("work");

    expect(await loop.run(2)).toBe(0);

    expect(loop.ticks.map(({ outcome }) => outcome)).toEqual(["failed", "idle"]);
  });
});

describe("a kill switch", () => {
  it.each(["STOP file", "row"])("that is set before it starts ends it after one tick (%s)", async (by) => {
    const loop = await looping({ jobs: [{ name: "work", kind: "work", every: "1h" }] }, "60");
    if (by === "STOP file") loop.target.write("state/STOP", "");
    else
      await loop.agent.store.atomically((trx) =>
        trx.updateTable("kill_switch").set({ set_at: 1, reason: "x" }).execute(),
      );

    expect(await loop.run(99)).toBe(0);

    expect(loop.ticks.map(({ outcome }) => outcome)).toEqual(["halted"]);
    expect(loop.ran).toEqual([]);
    expect(loop.target.events()).toContain("kill_seen");
  });

  it("that is set while it waits ends it without another tick", async () => {
    const loop = await looping({}, "3600");
    const { agent, clock } = loop;

    const code = await loop.run(99, () => {
      // In the middle of the wait, as the watcher does it.
      setImmediate(() => agent.rails.watch.trip({ by: "file", at: clock.nowMs(), reason: "touch STOP" }));
    });

    expect(code).toBe(0);
    expect(loop.ticks).toHaveLength(1);
  });
});

interface Looping extends Harness {
  ticks: TickResult[];
  /** Runs the loop until it has ticked `count` times; `first` is called after the first tick. */
  run(count: number, first?: () => void): Promise<number>;
}

async function looping(
  config: Record<string, unknown>,
  tickSeconds: string,
  run: Parameters<typeof harness>[0] = () => undefined,
  options: Parameters<typeof harness>[2] = {},
): Promise<Looping> {
  const made = await harness(run, config, { environment: { TICK_SECONDS: tickSeconds }, ...options });
  const ticks: TickResult[] = [];
  return {
    ...made,
    ticks,
    run: (count, first) =>
      made.agent.run((result) => {
        ticks.push(result);
        if (ticks.length === 1) first?.();
        if (ticks.length === count)
          made.agent.rails.watch.trip({ by: "signal", at: made.clock.nowMs(), reason: "the test is over" });
      }),
  };
}

/** Seconds from the first tick. */
function startsOf(ticks: TickResult[]): number[] {
  return ticks.map(({ startedAt }) => Math.round((startedAt - ticks[0]!.startedAt) / SECOND));
}
