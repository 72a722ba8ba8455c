import { describe, expect, it } from "vitest";
import { INCIDENT_EVENTS } from "../../src/alerts/incidents.ts";
import type { Notice } from "../../src/alerts/outbox.ts";
import { announceKill } from "../../src/rails/kill.ts";
import { testRails } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

const MINUTE = 60_000;

describe("an incident", () => {
  it.each(INCIDENT_EVENTS)("opens with the alert of %s, in the same transaction", async (event) => {
    const rails = await testRails();
    const notice = { event, title: "It broke", message: "Look.", subject: "thing", occurrence: "1" };
    await announce(rails, notice);
    expect(await incidents(rails)).toMatchObject([
      { event, title: "It broke", count: 1, opened_at: rails.clock.nowMs(), recovered_at: null },
    ]);

    const other = await testRails();
    const rolledBack = other.store.atomically(async (trx) => {
      await other.outbox.announce(trx, notice);
      throw new Error("the power went out");
    });
    await expect(rolledBack).rejects.toThrow("the power went out");
    expect(await incidents(other)).toEqual([]);
  });

  it("is none for what a rail does on purpose, what waits for a person and what merely is so", async () => {
    const rails = await testRails();
    const at = { title: "t", message: "m" };
    for (const event of [
      "cap_hit",
      "threshold_cross",
      "call_unknown",
      "draft_pending",
      "tick_missed",
    ] as const)
      await announce(rails, { ...at, event, subject: "", occurrence: "1" });
    for (const event of ["clock_jump", "drift_found", "day_attended", "alert_test"] as const)
      await announce(rails, { ...at, event, subject: "", occurrence: "1" });
    await rails.store.atomically((trx) =>
      announceKill(trx, rails.outbox.announce, { by: "file", at: 1, reason: "r" }),
    );
    expect(await incidents(rails)).toEqual([]);
  });

  it("is one for a cause while it lasts, and counts its signs", async () => {
    const rails = await testRails();
    for (let n = 1; n <= 3; n++) {
      await announce(rails, opened(n));
      rails.clock.advance(MINUTE);
    }
    await announce(rails, { ...opened(9), subject: "host:example.org" });
    const [first, other] = await incidents(rails);
    expect(first).toMatchObject({ event: "breaker_open", subject: "model:ollama/x:7b", count: 3 });
    expect((first?.last_at ?? 0) - (first?.opened_at ?? 0)).toBe(2 * MINUTE);
    expect(other).toMatchObject({ event: "breaker_open", subject: "host:example.org", count: 1 });
  });

  it("does not count the same alert again, and is not opened again by it after its end", async () => {
    const rails = await testRails();
    const notice: Notice = {
      event: "heartbeat_late",
      title: "late",
      message: "m",
      subject: "",
      occurrence: "tick-1",
    };
    await announce(rails, notice);
    rails.clock.advance(MINUTE);
    await announce(rails, notice, "quiet");
    expect(await incidents(rails)).toMatchObject([{ count: 1, last_at: rails.clock.nowMs() }]);
    await announce(rails, { ...notice, event: "recovered", subject: "heartbeat_late" });
    await announce(rails, notice, "quiet");
    expect(await incidents(rails)).toHaveLength(1);
  });

  it("ends with the breaker that closes, and the next trip is another", async () => {
    const rails = await testRails();
    await announce(rails, opened(1));
    rails.clock.advance(MINUTE);
    const closed = { title: "works again", message: "m" };
    await announce(rails, {
      event: "breaker_closed",
      ...closed,
      subject: "model:ollama/other",
      occurrence: "2",
    });
    expect(await incidents(rails)).toMatchObject([{ recovered_at: null }]);
    await announce(rails, {
      event: "breaker_closed",
      ...closed,
      subject: "model:ollama/x:7b",
      occurrence: "2",
    });
    expect(await incidents(rails)).toMatchObject([{ recovered_at: rails.clock.nowMs() }]);
    await announce(rails, opened(3));
    expect(await incidents(rails)).toMatchObject([{ count: 1 }, { count: 1, recovered_at: null }]);
  });

  it("of a unit is known by the unit's name, however often it fails", async () => {
    const rails = await testRails();
    const failed = { event: "unit_failed" as const, title: "failed", message: "m", subject: "afk.service" };
    await announce(rails, { ...failed, occurrence: "2026-11-21T10:00:00.000Z" });
    await announce(rails, { ...failed, occurrence: "0f3c" });
    expect(await incidents(rails)).toMatchObject([{ subject: "afk.service", count: 2 }]);
  });

  it("of a state that could not be used is written down when it can be used again, as over", async () => {
    const rails = await testRails();
    const sinceMs = rails.clock.nowMs() - 5 * MINUTE;
    const notice: Notice = {
      event: "recovered",
      title: "again",
      message: "m",
      subject: "unusable",
      occurrence: String(sinceMs),
    };
    await announce(rails, notice, "quiet");
    await announce(rails, notice, "quiet");
    expect(await incidents(rails)).toMatchObject([
      { event: "unusable", opened_at: sinceMs, recovered_at: rails.clock.nowMs() },
    ]);
  });

  it("names the tick that was running when the alert does not", async () => {
    const rails = await testRails();
    await rails.store.db
      .insertInto("ticks")
      .values({
        id: "tick-1",
        started_at: 1,
        outcome: "running",
        units: 0,
        cost_micros: 0,
        by_hand: 0,
        version: "1",
      })
      .execute();
    await announce(rails, opened(1));
    rails.clock.advance(MINUTE);
    await announce(rails, {
      event: "overrun",
      title: "t",
      message: "m",
      subject: "",
      occurrence: "e",
      tick: "tick-2",
      job: "j",
    });
    expect(await incidents(rails)).toMatchObject([{ tick: "tick-1" }, { tick: "tick-2", job: "j" }]);
  });
});

function opened(n: number): Notice {
  return {
    event: "breaker_open",
    title: "not called",
    message: "m",
    subject: "model:ollama/x:7b",
    occurrence: String(n),
  };
}

async function announce(rails: RailsOn, notice: Notice, repeats?: "quiet"): Promise<void> {
  await rails.store.atomically((trx) => rails.outbox.announce(trx, notice, repeats));
}

async function incidents(rails: RailsOn) {
  return await rails.store.db
    .selectFrom("incidents")
    .selectAll()
    .orderBy("opened_at")
    .orderBy("id")
    .execute();
}
