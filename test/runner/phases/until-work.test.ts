import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/lib/durations.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import { untilWork } from "../../../src/runner/phases/until-work.ts";
import type { Trx } from "../../../src/store/schema.ts";
import { newJob } from "../../queue/new-job.ts";
import { besides, testRails } from "../../support/rails.ts";

const TICK_SECONDS = 900;

describe("a machine of a fleet whose tick a cap has halted", () => {
  /** How long it waits with the job that is left, when another does this each time before it looks. */
  async function waits(others: (trx: Trx, nowMs: number) => Promise<unknown>, isHalted = true) {
    const rails = await testRails();
    const { store, clock } = rails;
    const other = await besides(rails);
    await store.atomically((trx) => enqueue(trx, newJob("left"), clock.nowMs()));
    clock.advance(1_000);
    const beganMs = clock.nowMs();
    const version = await store.changes.seen();
    const idle = async (signal?: AbortSignal) => {
      await clock.idle(signal);
      await other.store.atomically((trx) => others(trx, clock.nowMs()));
    };
    await untilWork(
      {
        clock: { ...clock, idle },
        config: { tickSeconds: TICK_SECONDS, jobs: [], timezone: "UTC" } as never,
        store,
        rails,
        hasNews: () => false,
      },
      new AbortController().signal,
      version,
      isHalted ? beganMs : null,
    );
    return clock.nowMs() - beganMs;
  }
  const giveBack = (trx: Trx, nowMs: number) =>
    trx.updateTable("jobs").set({ run_at: nowMs, updated_at: nowMs, error: "the cap" }).execute();

  it("tries it again a minute later, and not whenever another has tried it in vain", async () => {
    const waited = await waits(giveBack);
    expect(waited).toBeGreaterThanOrEqual(MINUTE_MS);
    expect(waited).toBeLessThan(MINUTE_MS + 5_000);
  });

  it("would try it at once, and so would the other, if that were news as any other", async () => {
    expect(await waits(giveBack, false)).toBeLessThan(5_000);
  });

  it("takes what is added since at once", async () => {
    expect(await waits((trx, nowMs) => enqueue(trx, newJob("new", { name: "other" }), nowMs))).toBeLessThan(
      5_000,
    );
  });

  it("waits for its next tick where nobody does anything", async () => {
    expect(await waits(async () => undefined)).toBeGreaterThanOrEqual(TICK_SECONDS * 1_000);
  });
});
