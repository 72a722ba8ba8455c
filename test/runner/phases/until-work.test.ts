import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/lib/durations.ts";
import { createNews } from "../../../src/lib/news.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import type { Machine } from "../../../src/rails/machine.ts";
import { untilWork } from "../../../src/runner/phases/until-work.ts";
import type { Trx } from "../../../src/store/schema.ts";
import { newJob } from "../../queue/new-job.ts";
import { besides, testRails } from "../../support/rails.ts";

const TICK_SECONDS = 900;
const MACHINE: Machine = { id: "m", part: "worker", runner: "r", heldUntilMs: 0, left: createNews() };

type Others = (trx: Trx, nowMs: number) => Promise<unknown>;

describe("a loop whose tick a cap has halted", () => {
  /** How long it waits with the job that is left, when another process does this each time before it looks. */
  async function waits(others: Others, { isHalted = true, machine = MACHINE as Machine | null } = {}) {
    const rails = { ...(await testRails()), machine };
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
      isHalted ? { startedAt: beganMs, finishedAt: beganMs } : null,
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
    expect(await waits(giveBack, { isHalted: false })).toBeLessThan(5_000);
  });

  it("takes what is added since at once", async () => {
    expect(await waits((trx, nowMs) => enqueue(trx, newJob("new", { name: "other" }), nowMs))).toBeLessThan(
      5_000,
    );
  });

  it("alone takes what a person made due again at once, and does not mind what else is committed", async () => {
    expect(await waits(giveBack, { machine: null })).toBeLessThan(5_000);
    const ofGateway: Others = (trx) =>
      trx
        .insertInto("meta")
        .values({ key: "generation", value: 1 })
        .onConflict((conflict) =>
          conflict.column("key").doUpdateSet({ value: (eb) => eb("meta.value", "+", 1) }),
        )
        .execute();
    expect(await waits(ofGateway, { machine: null })).toBeGreaterThanOrEqual(MINUTE_MS);
  });

  it("waits for its next tick where nobody does anything", async () => {
    expect(await waits(async () => undefined)).toBeGreaterThanOrEqual(TICK_SECONDS * 1_000);
  });
});
