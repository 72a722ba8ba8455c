import { describe, expect, it } from "vitest";
import type { JobConfig, Schedule } from "../../../src/config/config.ts";
import { DEFAULT_RETRY } from "../../../src/config/jobs.ts";
import { dueAt, labelByHand, labelOf, nextSlot } from "../../../src/runner/phases/schedule.ts";

const at = (iso: string) => Date.parse(iso);
const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
const HOUR = 3_600_000;
const MORNING: Schedule = { type: "cron", expression: "0 6 * * *" };

describe("every", () => {
  const job = jobOf({ type: "every", intervalMs: 4 * HOUR });
  const now = at("2026-11-21T10:00:00Z");

  it("is due at once the first time, with nothing missed", () => {
    expect(dueAt(job, null, now, "UTC")).toEqual({
      type: "due",
      slotMs: now,
      missed: 0,
      label: "2026-11-21-1000",
    });
  });

  it("is due again when the interval is over, and not a millisecond earlier", () => {
    expect(dueAt(job, now - 4 * HOUR + 1, now, "UTC")).toEqual({ type: "not_due" });
    expect(dueAt(job, now - 4 * HOUR, now, "UTC")).toMatchObject({ type: "due", slotMs: now, missed: 0 });
  });

  it("keeps its rhythm when a tick is late, and makes up for what was missed once, with the latest slot", () => {
    expect(dueAt(job, now - 13 * HOUR, now, "UTC")).toMatchObject({
      type: "due",
      slotMs: now - HOUR,
      missed: 2,
    });
  });

  it("has its next slot an interval later", () => {
    expect(nextSlot(job, now, "UTC")).toBe(now + 4 * HOUR);
  });
});

describe("a cron line", () => {
  const job = jobOf(MORNING);

  it("is not due when it is seen first: the count starts there", () => {
    const now = at("2026-11-21T10:00:00Z");
    expect(dueAt(job, null, now, "UTC")).toEqual({ type: "anchor", slotMs: now });
    expect(dueAt(job, now, now + HOUR, "UTC")).toEqual({ type: "not_due" });
    expect(iso(nextSlot(job, now, "UTC"))).toBe("2026-11-22T06:00:00.000Z");
  });

  it("is due at its minute in the agent's time zone, and once", () => {
    const before = at("2026-11-21T04:59:59.999Z");
    expect(dueAt(job, before - HOUR, before, "Europe/Berlin")).toEqual({ type: "not_due" });
    const slotMs = at("2026-11-21T05:00:00Z");
    expect(dueAt(job, before, slotMs, "Europe/Berlin")).toEqual({
      type: "due",
      slotMs,
      missed: 0,
      label: "2026-11-21",
    });
    expect(dueAt(job, slotMs, slotMs + HOUR, "Europe/Berlin")).toEqual({ type: "not_due" });
  });

  it.each([
    ["2026-03-28T05:00:00Z", "2026-03-29T04:00:00.000Z", "to summer time, 23 hours later"],
    ["2026-10-24T04:00:00Z", "2026-10-25T05:00:00.000Z", "to winter time, 25 hours later"],
  ])("stays at six o'clock of the wall from %s to %s: %s", (last, next) => {
    expect(iso(nextSlot(job, at(last), "Europe/Berlin"))).toBe(next);
    expect(dueAt(job, at(last), at(next), "Europe/Berlin")).toMatchObject({ type: "due", missed: 0 });
    expect(dueAt(job, at(last), at(next) - 1, "Europe/Berlin")).toEqual({ type: "not_due" });
  });

  it("runs once in the night when the hour of its line comes twice, and once when it does not come", () => {
    const night = jobOf({ type: "cron", expression: "30 2 * * *" });
    for (const [from, to] of [
      ["2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"],
      ["2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"],
    ] as const) {
      const slots: (string | null)[] = [];
      let last = at(from);
      for (let now = at(from); now <= at(to); now += 10 * 60_000) {
        const due = dueAt(night, last, now, "Europe/Berlin");
        if (due.type !== "due") continue;
        slots.push(iso(due.slotMs));
        last = due.slotMs;
      }
      expect(slots).toHaveLength(1);
    }
  });

  it("makes up for the days that the machine was off with one run, and counts the others as missed", () => {
    const due = dueAt(job, at("2026-11-15T06:00:00Z"), at("2026-11-21T10:00:00Z"), "UTC");
    expect(due).toEqual({
      type: "due",
      slotMs: at("2026-11-21T06:00:00Z"),
      missed: 5,
      label: "2026-11-21",
    });
  });

  it("makes up with one run for more slots than it counts, too", () => {
    const often = jobOf({ type: "cron", expression: "* * * * *" });
    const now = at("2026-11-21T10:00:30Z");
    const due = dueAt(often, at("2026-11-14T10:00:00Z"), now, "UTC");
    expect(due).toMatchObject({ type: "due", slotMs: at("2026-11-21T10:00:00Z") });
    expect(due).toHaveProperty("missed", 1_000);
    expect(dueAt(often, at("2026-11-21T10:00:00Z"), now, "UTC")).toEqual({ type: "not_due" });
  });
});

describe("a clock that was set back", () => {
  it.each<[string, Schedule]>([
    ["every", { type: "every", intervalMs: HOUR }],
    ["cron", MORNING],
  ])("starts the count anew (%s), so that no work waits for years", (_name, schedule) => {
    const now = at("2026-11-21T10:00:00Z");
    expect(dueAt(jobOf(schedule), now + 1, now, "UTC")).toEqual({ type: "anchor", slotMs: now });
  });
});

it("a job that only a person starts is never due", () => {
  const job = jobOf({ type: "manual" });
  expect(dueAt(job, null, at("2026-11-21T10:00:00Z"), "UTC")).toEqual({ type: "not_due" });
  expect(nextSlot(job, 0, "UTC")).toBeNull();
});

describe("a label", () => {
  it.each<[string, Schedule, string, string]>([
    ["the date of a daily job", MORNING, "2026-11-21T06:00:00Z", "2026-11-21"],
    [
      "the date of a weekly job",
      { type: "cron", expression: "0 6 * * 1" },
      "2026-11-23T06:00:00Z",
      "2026-11-23",
    ],
    [
      "the time too, twice a day: first",
      { type: "cron", expression: "0 6,18 * * *" },
      "2026-11-21T06:00:00Z",
      "2026-11-21-0600",
    ],
    [
      "the time too, twice a day: last",
      { type: "cron", expression: "0 6,18 * * *" },
      "2026-11-21T18:00:00Z",
      "2026-11-21-1800",
    ],
    [
      "the time too, every 12 h",
      { type: "every", intervalMs: 12 * HOUR },
      "2026-11-21T06:00:00Z",
      "2026-11-21-0600",
    ],
    ["the date, every 24 h", { type: "every", intervalMs: 24 * HOUR }, "2026-11-21T06:00:00Z", "2026-11-21"],
  ])("has %s", (_name, schedule, slot, label) => {
    expect(labelOf(schedule, at(slot), "UTC")).toBe(label);
  });

  it("is of the day in the agent's time zone", () => {
    expect(labelOf(MORNING, at("2026-11-21T21:00:00Z"), "Asia/Tokyo")).toBe("2026-11-22");
    expect(labelByHand(at("2026-11-21T14:05:09Z"), "Asia/Tokyo")).toBe("2026-11-21-230509");
    expect(labelByHand(at("2026-11-21T15:05:09Z"), "Asia/Tokyo")).toBe("2026-11-22-000509");
  });
});

function jobOf(schedule: Schedule): JobConfig {
  return {
    name: "work",
    kind: "work",
    schedule,
    timeoutMs: 1,
    retry: DEFAULT_RETRY,
    minutesSavedPerUnit: 30,
    deliver: [],
    progressMs: null,
    settings: null,
  };
}
