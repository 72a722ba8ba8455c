import { describe, expect, test } from "vitest";
import { listLedger } from "../../src/ops/ledger.ts";
import { ended, reserved, sent, settledAt, UNKNOWN } from "../support/rails.ts";
import { opsHarness } from "./harness.ts";

describe("the ledger", () => {
  test("shows an entry with everything that is known of it", async () => {
    const { rails } = await opsHarness();
    const scope = { tick: "tick-1", job: "digest@1" };
    const id = await sent(rails, 5_000, { model: "openai/test", scope, step: "summary 1", isDegraded: true });
    await ended(rails, id, { ...settledAt(1_250), inputTokens: 900, outputTokens: 60 } as never);
    expect(await listLedger(rails.store.db, { unknown: false, limit: 10 })).toEqual([
      {
        id,
        createdAt: "2026-11-21T10:00:00.000Z",
        model: "openai/test",
        state: "settled",
        estimateMicros: 5_000,
        costMicros: 1_250,
        inputTokens: 900,
        outputTokens: 60,
        degraded: true,
        tick: "tick-1",
        job: "digest@1",
        client: null,
        session: null,
        step: "summary 1",
        error: null,
      },
    ]);
  });

  test("shows the newest entries first, and no more than are asked for", async () => {
    const { rails } = await opsHarness();
    const ids: string[] = [];
    for (let number = 0; number < 4; number++) {
      ids.unshift(await reserved(rails, 10));
      rails.clock.advance(1);
    }
    const shown = await listLedger(rails.store.db, { unknown: false, limit: 3 });
    expect(shown.map(({ id }) => id)).toEqual(ids.slice(0, 3));
  });

  test("shows what is unknown alone, also where newer entries are known", async () => {
    const { rails } = await opsHarness();
    const unknown = await sent(rails, 10);
    await ended(rails, unknown, UNKNOWN);
    rails.clock.advance(1);
    await reserved(rails, 10);
    expect(await listLedger(rails.store.db, { unknown: true, limit: 1 })).toMatchObject([
      { id: unknown, state: "unknown", costMicros: null, error: "time-out", tick: null, job: null },
    ]);
  });
});
