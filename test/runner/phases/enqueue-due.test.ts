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

  it("is no miss when a timer comes more seldom than the job, how often that may be", async () => {
    const { agent, alerts, clock, ran } = await idle(job({ every: "1m" }));
    for (let tick = 0; tick < 12; tick++) {
      await agent.tick();
      clock.advance(tick % 2 === 0 ? HOUR / 2 : HOUR / 2 + 60_000);
    }
    expect(ran).toHaveLength(12);
    expect(alerts).toEqual([]);
  });

  it("is no miss when a job ran for long before it", async () => {
    const { agent, alerts, clock, ran } = await harness(
      (_context, count) => {
        if (count === 3) clock.advance(9 * HOUR);
        return undefined;
      },
      job({ every: "10m" }),
    );
    for (let tick = 0; tick < 6; tick++) {
      await agent.tick();
      clock.advance(HOUR / 6);
    }
    expect(ran).toHaveLength(6);
    expect(alerts).toEqual([]);
  });

  it("is missed for as long as the machine was off after a job that ran for long", async () => {
    const { agent, alerts, clock } = await harness(
      (_context, count) => {
        if (count === 2) clock.advance(9 * HOUR);
        return undefined;
      },
      job({ every: "1h" }),
    );
    await agent.tick();
    clock.advance(HOUR);
    await agent.tick();
    clock.advance(30 * HOUR);
    await agent.tick();
    expect(alerts.map(({ title }) => title)).toEqual(["work missed 29 of its times"]);
  });

  it("is missed when the machine has booted meanwhile, however short that took", async () => {
    const { agent, alerts, clock } = await idle(job({ every: "1s" }));
    await agent.tick();
    clock.reboot(20_000);
    clock.advance(1_000);
    await agent.tick();
    expect(alerts).toMatchObject([{ event: "tick_missed", title: "work missed 20 of its times" }]);
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

  it.each([
    ["with its job", { jobs: [] }],
    ["alone", job({})],
  ])(
    "runs at its next time, not at once, when its cron line was taken out %s and is put back",
    async (_how, out) => {
      const { agent, alerts, clock, ran, reopen } = await idle(job({ schedule: "0 12 * * *" }));
      await agent.tick();
      const without = await reopen(out);
      await without.tick();
      clock.advance(75 * HOUR);
      await without.tick();
      const back = await reopen(job({ schedule: "0 12 * * *" }));
      expect(await back.tick()).toMatchObject({
        outcome: "idle",
        nextDueAt: Date.parse("2026-11-25T12:00:00Z"),
      });
      expect(ran).toHaveLength(0);
      clock.advance(24 * HOUR);
      await back.tick();
      expect(ran).toHaveLength(1);
      expect(alerts).toEqual([]);
    },
  );

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
