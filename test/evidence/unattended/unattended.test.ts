import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attendToday, keepUnattended } from "../../../src/evidence/unattended/keep-days.ts";
import { startUnattended, stopUnattended } from "../../../src/evidence/unattended/unattended.ts";
import { acceptWallClock } from "../../../src/rails/budget-time.ts";
import { setKill } from "../../../src/rails/kill.ts";
import { DAY, HOUR, unattendedHarness, VERSION } from "./harness.ts";

describe("the clock is not started", () => {
  it("without any drill, and names what is missing", async () => {
    const { sources, status, runLog } = await unattendedHarness();
    await expect(startUnattended(sources)).rejects.toMatchObject({
      code: "clock_unproved",
      message: expect.stringMatching(
        /cap has not passed; no kill mechanism has passed.*stop-file.*afk drill/,
      ),
    });
    expect(await status()).toBeNull();
    expect(runLog()).toBeNull();
  });

  it("with one kill mechanism alone, however often it passed", async () => {
    const { sources, pass } = await unattendedHarness();
    await pass("cap", "stop-file", "stop-file");
    await expect(startUnattended(sources)).rejects.toThrow(/only stop-file has passed.*left: stop-process/);
  });

  it("where a drill passed once and has failed since", async () => {
    const { sources, pass, fail } = await unattendedHarness();
    await pass("cap", "stop-file", "wedge");
    await fail("cap");
    await expect(startUnattended(sources)).rejects.toThrow("cap has not passed");
  });

  it("on the drills of another version or configuration", async () => {
    const { sources, pass } = await unattendedHarness();
    await pass("cap", "stop-file", "wedge");
    await expect(startUnattended({ ...sources, version: "9.9.9" })).rejects.toThrow("afk 9.9.9");
    const config = { ...sources.config, tickSeconds: 7 };
    await expect(startUnattended({ ...sources, config })).rejects.toThrow("cap has not passed");
    expect(sources.version).toBe(VERSION);
  });

  it("twice", async () => {
    const { sources } = await running();
    await expect(startUnattended(sources)).rejects.toMatchObject({ code: "clock_runs" });
  });
});

describe("the clock", () => {
  it("begins with Day 0 and writes a line for each day that is over, at the first tick after it", async () => {
    const h = await running();
    expect(h.runLog()).toContain("Day 0 of the present count is 2026-11-21");
    await h.tick({ units: 2, outcome: "ok" });
    expect(await h.days()).toEqual([]);
    h.clock.advance(DAY);
    await h.job({ state: "done", units: 3 });
    await h.tick({ outcome: "failed" });
    await h.tick();
    expect(await h.days()).toMatchObject([
      { day: "2026-11-21", count: 0, ticks: 1, attended: 0, note: "Day 0" },
    ]);
    h.clock.advance(DAY);
    await h.tick();
    expect(await h.days()).toMatchObject([
      { count: 0 },
      {
        day: "2026-11-22",
        count: 1,
        ticks: 2,
        units: 3,
        failures: 1,
        value_micros: expect.any(Number),
        note: null,
      },
    ]);
    expect(h.runLog()).toMatch(/\| 2026-11-21 \| Day 0 \|.*\n\| 2026-11-22 \| Day 1 \| 2 \| 0 \| 3 \| 1 \|/);
    expect(await h.status()).toMatchObject({ days: 1, dayZero: "2026-11-21", lastDay: "2026-11-22" });
  });

  it("announces 7 and 14 days, once each", async () => {
    const h = await running();
    for (let day = 0; day < 17; day++) {
      await h.tick();
      h.clock.advance(DAY);
    }
    await h.tick();
    expect(h.told()).toEqual(["clock_reached 2026-11-28", "clock_reached 2026-12-05"]);
    expect(h.alerts[0]?.title).toBe("7 days by itself");
  });

  it("is broken by days without a tick, and names them", async () => {
    const h = await running();
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    h.clock.reboot(3 * DAY);
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    expect(await h.counts()).toEqual([
      "2026-11-21 0",
      "2026-11-22 1",
      "2026-11-23 0",
      "2026-11-24 0",
      "2026-11-25 1",
    ]);
    expect(h.runLog()).toMatch(/2026-11-24 .*no tick: was the machine off\?/);
  });

  it("bounds what it writes of a long absence", async () => {
    const h = await running();
    await h.tick();
    h.clock.reboot(900 * DAY);
    await h.tick();
    expect((await h.days()).length).toBeLessThanOrEqual(61);
    expect(await h.status()).toMatchObject({ days: 0 });
  });

  it.each([
    ["Europe/Berlin", "2026-10-23T08:00:00Z", 25],
    ["America/New_York", "2026-03-06T12:00:00Z", 23],
    ["Pacific/Kiritimati", "2026-11-20T20:00:00Z", 24],
  ])("counts the days of %s once each, through its changes of time", async (timezone, start) => {
    const h = await running(start, timezone);
    for (let hour = 0; hour < 6 * 24; hour++) {
      await h.tick();
      h.clock.advance(HOUR);
    }
    expect((await h.days()).map((day) => day.count)).toEqual(
      [0, 1, 2, 3, 4, 5].slice(0, (await h.days()).length),
    );
    expect((await h.days()).length).toBeGreaterThanOrEqual(5);
    const ticks = (await h.days()).slice(1).map((day) => day.ticks);
    expect(ticks).toEqual(
      timezone.startsWith("Pacific")
        ? [24, 24, 24, 24, 24].slice(0, ticks.length)
        : expect.arrayContaining([timezone.startsWith("Europe") ? 25 : 23]),
    );
  });

  it("ends no day twice when the clock is set back, and none early when it is set ahead", async () => {
    const h = await running();
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    h.clock.jump(-5 * DAY);
    await h.tick();
    expect(await h.counts()).toEqual(["2026-11-21 0"]);
    h.clock.jump(5 * DAY + 10 * DAY);
    await h.tick();
    expect(await h.counts()).toEqual(["2026-11-21 0"]);
    h.clock.advance(DAY);
    await h.tick();
    expect(await h.counts()).toEqual(["2026-11-21 0", "2026-11-22 1"]);
  });

  it("counts no day twice when a person takes the time back for right", async () => {
    const h = await running();
    for (let day = 0; day < 3; day++) {
      await h.tick();
      h.clock.advance(DAY);
    }
    await h.tick();
    const before = await h.counts();
    h.clock.jump(-2 * DAY);
    await h.rails.store.atomically((trx) => acceptWallClock(trx, h.clock, { isBackToo: true }));
    for (let day = 0; day < 2; day++) {
      await h.tick();
      expect(await h.counts()).toEqual(before);
      h.clock.advance(DAY);
    }
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    expect(await h.counts()).toEqual([...before, "2026-11-24 3"]);
  });

  it("does nothing while none runs", async () => {
    const h = await unattendedHarness();
    await h.tick({ by_hand: 1 });
    h.clock.advance(DAY);
    await h.tick();
    expect([await h.days(), h.told(), h.runLog()]).toEqual([[], [], null]);
  });
});

describe("a day is attended, and the count starts again", () => {
  it("by a tick that a person started", async () => {
    const h = await afterDays(3);
    await h.tick({ by_hand: 1 });
    expect(h.told()).toEqual(["day_attended 2026-11-24"]);
    expect(await h.status()).toMatchObject({ days: 0, dayZero: "2026-11-24" });
    await h.tick({ by_hand: 1 });
    h.clock.advance(DAY);
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    expect(h.told()).toHaveLength(1);
    expect((await h.counts()).slice(-3)).toEqual(["2026-11-23 2", "2026-11-24 0", "2026-11-25 1"]);
    expect((await h.days()).map((day) => day.attended)).toEqual([0, 0, 0, 1, 0]);
  });

  it("by a job that a person added, also when its day is over before a tick sees it", async () => {
    const h = await afterDays(2);
    await h.tick();
    await h.job({ by_hand: 1, name: "digest" });
    h.clock.advance(DAY);
    await h.tick();
    expect((await h.days()).at(-1)).toMatchObject({
      count: 0,
      attended: 1,
      note: "Day 0; work by hand: digest",
    });
    expect(h.told()).toEqual(["day_attended 2026-11-23"]);
  });

  it("by a dead letter that a person tries again, and the days before keep what they counted", async () => {
    const h = await afterDays(2);
    await h.tick();
    h.clock.advance(DAY);
    const { config, clock, store, outbox } = h.sources;
    await store.atomically((trx) => attendToday(trx, outbox.announce, { config, clock, what: "digest@1" }));
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    expect((await h.counts()).slice(-2)).toEqual(["2026-11-23 2", "2026-11-24 0"]);
    expect(h.told()).toEqual(["day_attended 2026-11-24"]);
  });

  it("not by a job that was due, and not on Day 0, which says nothing", async () => {
    const h = await running();
    await h.tick({ by_hand: 1 });
    h.clock.advance(DAY);
    await h.job({ by_hand: 0 });
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    expect([await h.counts(), h.told()]).toEqual([["2026-11-21 0", "2026-11-22 1"], []]);
  });
});

describe("a stopped agent", () => {
  it("breaks the count on the day of the stop and on each day that it stays stopped", async () => {
    const h = await afterDays(2);
    await h.tick();
    await h.rails.store.atomically((trx) => setKill(trx, h.rails.outbox.announce, "lunch", h.clock.nowMs()));
    for (let day = 0; day < 2; day++) {
      h.clock.advance(DAY);
      await h.tick({ outcome: "halted" });
    }
    h.clock.advance(DAY);
    await h.tick({ outcome: "idle" });
    h.clock.advance(DAY);
    await h.tick();
    h.clock.advance(DAY);
    await h.tick();
    expect((await h.counts()).slice(2)).toEqual([
      "2026-11-23 0",
      "2026-11-24 0",
      "2026-11-25 0",
      "2026-11-26 1",
      "2026-11-27 2",
    ]);
    expect((await h.days())[3]).toMatchObject({ attended: 0, note: "Day 0; the kill switch was set" });
  });

  it("is not what a cap makes of a day", async () => {
    const h = await afterDays(1);
    await h.tick({ outcome: "halted" });
    h.clock.advance(DAY);
    await h.tick();
    expect((await h.counts()).at(-1)).toBe("2026-11-22 1");
  });
});

describe("the end of a clock", () => {
  it("keeps the days, and is refused where none runs", async () => {
    const h = await afterDays(2);
    expect(await stopUnattended(h.sources)).toMatchObject({ days: 1 });
    expect(await h.status()).toBeNull();
    expect(h.runLog()).toContain("No clock runs.");
    await expect(stopUnattended(h.sources)).rejects.toMatchObject({ code: "no_clock" });
    await startUnattended(h.sources);
    expect(await h.status()).toMatchObject({ days: 0, dayZero: "2026-11-23" });
    expect(await h.days()).toHaveLength(2);
  });
});

describe("run-log.md", () => {
  it("is written by the next tick when the machine died between row and file", async () => {
    const h = await running();
    await h.tick();
    h.clock.advance(DAY);
    await keepUnattended(h.sources);
    expect(h.runLog()).toMatch(/\| 2026-11-21 \| Day 0 \| +\|.*\| not over yet \|/);
    await h.tick();
    expect(h.runLog()).toMatch(/\| 2026-11-21 \| Day 0 \| \d/);
    expect(h.runLog()).not.toContain("not over yet");
    rmSync(join(h.config.paths.runs, "run-log.md"));
    await h.tick();
    expect(h.runLog()).toContain("| 2026-11-21 | Day 0 |");
  });

  it("holds what is hostile as text", async () => {
    const h = await running(undefined, undefined, "x | <script>\n# h");
    await h.tick();
    await h.job({ by_hand: 1, name: "a|b\n<img src=x>" });
    h.clock.advance(DAY);
    await h.tick();
    const [, ...table] = (h.runLog() ?? "").trim().split("\n\n").slice(1);
    expect(h.runLog()).not.toMatch(/<(script|img)|^# h/m);
    expect(table.join("\n").split("\n")).toHaveLength(3);
    expect(h.runLog()).toContain(String.raw`a\|b &lt;img src=x&gt;`);
  });
});

async function running(start?: string, timezone?: string, agent?: string) {
  const h = await unattendedHarness(start, timezone, agent);
  await h.pass("cap", "stop-file", "stop-process");
  await startUnattended(h.sources);
  return h;
}

/** A clock that has run for so many days, at the beginning of the next. */
async function afterDays(count: number) {
  const h = await running();
  for (let day = 0; day < count; day++) {
    await h.tick();
    h.clock.advance(DAY);
  }
  await keepUnattended(h.sources);
  return h;
}
