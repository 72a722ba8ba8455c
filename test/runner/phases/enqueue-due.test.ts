import { describe, expect, it } from "vitest";
import { type Harness, harness } from "../harness.ts";

const HOUR = 3_600_000;
const job = (when: object) => ({ jobs: [{ name: "work", kind: "work", ...when }] });

describe("scheduled work", () => {
  it("runs once per slot, however often the agent ticks", async () => {
    const { agent, clock, ran } = await idle(job({ every: "4h" }));
    for (let minute = 0; minute < 8 * 60; minute += 30) {
      await agent.tick();
      clock.advance(HOUR / 2);
    }
    expect(ran).toHaveLength(2);
  });

  it("begins to count at the first tick that sees a cron line, and says when it is due", async () => {
    const { agent, clock, ran } = await idle(job({ schedule: "0 12 * * *" }));

    expect(await agent.tick()).toMatchObject({
      outcome: "idle",
      nextDueAt: Date.parse("2026-11-21T12:00:00Z"),
    });
    clock.advance(2 * HOUR);
    expect(await agent.tick()).toMatchObject({
      outcome: "ok",
      nextDueAt: Date.parse("2026-11-22T12:00:00Z"),
    });

    expect(ran).toHaveLength(1);
  });

  it("that was missed is made up for once, and told of once", async () => {
    const { agent, alerts, clock, ran, target } = await idle(job({ every: "1h" }));
    await agent.tick();
    clock.advance(6 * HOUR);

    await agent.tick();
    await agent.tick();

    expect(ran).toHaveLength(2);
    expect(alerts).toEqual([
      expect.objectContaining({ event: "tick_missed", job: "work", title: "work missed 5 of its times" }),
    ]);
    expect(target.events().filter((event) => event === "tick_missed")).toHaveLength(1);
  });

  it("is not run again for a slot that was run, when the clock is set back before it", async () => {
    const { agent, alerts, clock, ran } = await idle(job({ schedule: "0 12 * * *" }));
    await agent.tick();
    clock.advance(2 * HOUR);
    await agent.tick();
    expect(ran).toHaveLength(1);

    clock.jump(-HOUR);
    await agent.tick();
    clock.advance(HOUR);
    await agent.tick();
    expect(ran).toHaveLength(1);

    clock.advance(24 * HOUR);
    await agent.tick();
    expect(ran).toHaveLength(2);
    expect(alerts.filter(({ event }) => event === "tick_missed")).toEqual([]);
  });

  it("does not wait for years after a clock that was far ahead", async () => {
    const { agent, clock, ran } = await idle(job({ every: "1h" }));
    clock.jump(400 * 24 * HOUR);
    await agent.tick();
    clock.jump(-400 * 24 * HOUR);
    await agent.tick();
    expect(ran).toHaveLength(1);

    clock.advance(HOUR);
    await agent.tick();

    expect(ran).toHaveLength(2);
  });

  it("starts anew when its schedule is changed, without missed slots", async () => {
    const { agent, alerts, clock, ran, reopen } = await idle(job({ every: "1h" }));
    await agent.tick();
    clock.advance(HOUR / 2);

    const later = await reopen(job({ every: "12h" }));
    await later.tick();
    expect(ran).toHaveLength(2);
    clock.advance(11 * HOUR);
    await later.tick();
    expect(ran).toHaveLength(2);

    const cron = await reopen(job({ schedule: "0 6 * * *" }));
    expect(await cron.tick()).toMatchObject({ outcome: "idle" });
    expect(alerts).toEqual([]);
  });

  it("says null when nothing is scheduled", async () => {
    const { agent } = await idle(job({}));
    expect(await agent.tick()).toMatchObject({ outcome: "idle", nextDueAt: null });
    expect((await agent.status()).nextDueAt).toBeNull();
  });
});

describe("work by hand", () => {
  it("runs although it is not due, leaves the schedule alone, and is marked", async () => {
    const { agent, clock, ran, target } = await idle(job({ schedule: "0 12 * * *" }));

    const tick = await agent.tick({ now: "work" });

    expect(tick).toMatchObject({ outcome: "ok", nextDueAt: Date.parse("2026-11-21T12:00:00Z") });
    expect(target.query("select key, by_hand, label from jobs")).toEqual([
      { key: "work@hand:2026-11-21T10:00:00.000Z", by_hand: 1, label: "2026-11-21-100000" },
    ]);
    expect(target.query("select by_hand from ticks")).toEqual([{ by_hand: 1 }]);
    clock.advance(2 * HOUR);
    await agent.tick();
    expect(ran).toHaveLength(2);
  });

  it.each(["", "two\nlines", "x".repeat(201)])("refuses %j as a key", async (key) => {
    const { agent, target } = await idle(job({}));
    await expect(agent.enqueue("work", { key })).rejects.toMatchObject({ code: "bad_key" });
    expect(target.query("select * from jobs")).toEqual([]);
  });
});

function idle(config: Record<string, unknown>): Promise<Harness> {
  return harness(() => undefined, config);
}
