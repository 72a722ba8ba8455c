import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collectCalendar } from "../../../../src/jobs/sources/calendar/calendar.ts";
import type { CalendarSource } from "../../../../src/jobs/sources/calendar/settings.ts";
import { fakeJob, type JobMemory } from "../../../support/job-context.ts";
import { tempDir } from "../../../support/temp.ts";

/** Saturday, 21 November 2026, 07:00 in Berlin. */
const SLOT_MS = Date.UTC(2026, 10, 21, 6);
const DAY_MS = 24 * 60 * 60_000;

interface Options {
  slotMs?: number;
  timezone?: string;
  days?: number;
  memory?: JobMemory;
  more?: Partial<CalendarSource>;
  zones?: string;
}

const calendar = (events: string, zones = "") =>
  `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Team\r\n${zones}${events}END:VCALENDAR\r\n`;

const event = (lines: string) =>
  `BEGIN:VEVENT\n${lines.trim()}\nEND:VEVENT\n`.replace(/\n\s+/g, "\n").replaceAll("\n", "\r\n");

/** What is listed of these events, each by its title. */
async function list(events: string, options: Options = {}) {
  const { slotMs = SLOT_MS, timezone = "Europe/Berlin", days = 2, memory, more, zones } = options;
  const base = tempDir();
  writeFileSync(join(base, "team.ics"), calendar(events, zones));
  const job = fakeJob(null, { base, slotMs, timezone, ...(memory && { memory }) });
  const collected = await collectCalendar({ calendar: "team.ics", days, ...more }, job.context);
  return { ...collected, titles: collected.items.map(({ title }) => title), memory: job.finish() };
}

const STANDUP = `UID:standup@example.org
  DTSTART;TZID=Europe/Berlin:20261102T093000
  DTEND;TZID=Europe/Berlin:20261102T094500
  RRULE:FREQ=DAILY
  SUMMARY:Standup
  LOCATION:Room 4`;

describe("a calendar", () => {
  it("lists today and tomorrow by time, with place and text, all-day events first", async () => {
    const { items, titles, title, notes } = await list(
      event(STANDUP) +
        event(
          `UID:1\nDTSTART:20261121T080000Z\nDTEND:20261121T090000Z\nSUMMARY:Dentist\\, upstairs\nDESCRIPTION:Bring the card.`,
        ) +
        event(`UID:2\nDTSTART;VALUE=DATE:20261122\nSUMMARY:Birthday`) +
        event(`UID:3\nDTSTART;VALUE=DATE:20261121\nDTEND;VALUE=DATE:20261124\nSUMMARY:Fair`) +
        event(`UID:4\nDTSTART:20261123T080000Z\nSUMMARY:Too late`) +
        event(`UID:5\nDTSTART:20261120T080000Z\nDTEND:20261120T090000Z\nSUMMARY:Over`),
    );
    expect(titles).toEqual([
      "All day until Mon 23 Nov: Fair",
      "09:00–10:00 Dentist, upstairs",
      "09:30–09:45 Standup, Room 4",
      "Sun 22 Nov, all day: Birthday",
      "Sun 22 Nov 09:30–09:45 Standup, Room 4",
    ]);
    expect(title).toBe("Team");
    expect(notes).toEqual([]);
    expect(items[1]).toMatchObject({
      text: "Bring the card.",
      link: null,
      publishedAt: Date.UTC(2026, 10, 21, 8),
    });
  });

  it.each([
    [
      "daily with an interval, from years ago",
      "DTSTART:20200101T080000Z",
      "RRULE:FREQ=DAILY;INTERVAL=2",
      ["09:00 X"],
    ],
    ["weekly on days", "DTSTART:20200106T080000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO,SA", ["09:00 X"]],
    ["every second week", "DTSTART:20261107T080000Z", "RRULE:FREQ=WEEKLY;INTERVAL=2", ["09:00 X"]],
    ["every second week, the other ones", "DTSTART:20261114T080000Z", "RRULE:FREQ=WEEKLY;INTERVAL=2", []],
    [
      "the third Saturday of a month",
      "DTSTART:20250118T080000Z",
      "RRULE:FREQ=MONTHLY;BYDAY=3SA",
      ["09:00 X"],
    ],
    [
      "the last but one Sunday",
      "DTSTART:20250119T080000Z",
      "RRULE:FREQ=MONTHLY;BYDAY=SU;BYSETPOS=-2",
      ["Sun 22 Nov 09:00 X"],
    ],
    [
      "yearly",
      "DTSTART;VALUE=DATE:19700122",
      "RRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=22",
      ["Sun 22 Nov, all day: X"],
    ],
    ["a number of times that is over", "DTSTART:20261101T080000Z", "RRULE:FREQ=DAILY;COUNT=20", []],
    [
      "a number of times that ends today",
      "DTSTART:20261101T080000Z",
      "RRULE:FREQ=DAILY;COUNT=21",
      ["09:00 X"],
    ],
    [
      "until an instant, which counts",
      "DTSTART:20261101T080000Z",
      "RRULE:FREQ=DAILY;UNTIL=20261121T080000Z",
      ["09:00 X"],
    ],
    [
      "until a day, which counts",
      "DTSTART;TZID=Europe/Berlin:20261101T230000",
      "RRULE:FREQ=DAILY;UNTIL=20261121",
      ["23:00 X"],
    ],
    [
      "until an instant in UTC that is before the time on the wall",
      "DTSTART;TZID=America/New_York:20261101T200000",
      "RRULE:FREQ=DAILY;UNTIL=20261121T010000Z",
      ["02:00 X"],
    ],
    [
      "further dates",
      "DTSTART:20261101T080000Z",
      "RDATE:20261121T100000Z,20261122T100000Z",
      ["11:00 X", "Sun 22 Nov 11:00 X"],
    ],
    [
      "without excluded ones",
      "DTSTART:20261101T080000Z",
      "RRULE:FREQ=DAILY\nEXDATE:20261110T070000Z,20261121T080000Z",
      ["Sun 22 Nov 09:00 X"],
    ],
    [
      "without an excluded day",
      "DTSTART:20261101T080000Z",
      "RRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20261122",
      ["09:00 X"],
    ],
    [
      "hourly within hours",
      "DTSTART:20261101T080000Z",
      "RRULE:FREQ=HOURLY;INTERVAL=12",
      ["09:00 X", "21:00 X", "Sun 22 Nov 09:00 X", "Sun 22 Nov 21:00 X"],
    ],
    ["weekdays alone", "DTSTART:20260105T080000Z", "RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", []],
  ])("follows what comes again: %s", async (_what, start, rule, expected) => {
    const { titles, notes } = await list(event(`UID:1\n${start}\n${rule}\nSUMMARY:X`));
    expect(titles).toEqual(expected);
    expect(notes).toEqual([]);
  });

  it("comes to the same days from the first time as from shortly before", async () => {
    const rules = ["DAILY", "WEEKLY", "HOURLY"].flatMap((freq) =>
      [1, 2, 3, 5, 7, 11].flatMap((interval) =>
        ["", ";BYDAY=SA,SU", ";BYMONTH=11", ";WKST=SU;BYDAY=SU,TU,SA"].map(
          (by) => `FREQ=${freq};INTERVAL=${interval}${by}`,
        ),
      ),
    );
    for (const rule of rules) {
      const of = (more: string) =>
        list(event(`UID:1\nDTSTART:20260702T051500Z\nRRULE:${rule}${more}\nSUMMARY:X`), { days: 9 });
      // A count is from the first time, so that none can be skipped.
      expect((await of("")).titles, rule).toEqual((await of(";COUNT=100000")).titles);
    }
  });

  it("puts a changed occurrence in the place of the one that it was, wherever it went", async () => {
    const moved = event(
      `UID:standup@example.org\nRECURRENCE-ID;TZID=Europe/Berlin:20261121T093000\nDTSTART;TZID=Europe/Berlin:20261121T140000\nDTEND;TZID=Europe/Berlin:20261121T143000\nSUMMARY:Long standup`,
    );
    const fromOutside = event(
      `UID:standup@example.org\nRECURRENCE-ID:20261201T083000Z\nDTSTART:20261122T160000Z\nSUMMARY:Early one`,
    );
    const cancelled = event(
      `UID:standup@example.org\nRECURRENCE-ID:20261122T083000Z\nDTSTART:20261122T083000Z\nSTATUS:CANCELLED\nSUMMARY:Standup`,
    );
    const { titles } = await list(event(STANDUP) + moved + fromOutside + cancelled);
    expect(titles).toEqual(["14:00–14:30 Long standup", "Sun 22 Nov 17:00 Early one"]);
  });

  it("shows what goes on since before today, and what ends on another day", async () => {
    const { titles } = await list(
      event(`UID:1\nDTSTART:20261120T200000Z\nDTEND:20261121T160000Z\nSUMMARY:Night shift`) +
        event(`UID:2\nDTSTART:20261121T210000Z\nDURATION:PT8H\nSUMMARY:Next shift`) +
        event(`UID:3\nDTSTART;VALUE=DATE:20261101\nDTEND;VALUE=DATE:20261201\nSUMMARY:Holidays`),
    );
    expect(titles).toEqual([
      "All day until Mon 30 Nov: Holidays",
      "Until 17:00 Night shift",
      "22:00–Sun 22 Nov 06:00 Next shift",
    ]);
  });
});

describe("zones of a calendar", () => {
  const oslo = `BEGIN:VTIMEZONE\r\nTZID:Own zone\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n`;
  it.each([
    ["an IANA name", "DTSTART;TZID=America/New_York:20261121T040000", "10:00 X"],
    [
      "an IANA name at the end of a path",
      "DTSTART;TZID=/example.org/20260101_1/Asia/Tokyo:20261121T180000",
      "10:00 X",
    ],
    ["a name of Windows", "DTSTART;TZID=Eastern Standard Time:20261121T040000", "10:00 X"],
    ["a name of Windows, in quotes", 'DTSTART;TZID="Romance Standard Time":20261121T100000', "10:00 X"],
    ["the file's own", "DTSTART;TZID=Own zone:20261121T100000", "10:00 X"],
    ["the file's own in summer", "DTSTART;TZID=Own zone:20260701T100000\nRRULE:FREQ=DAILY", "10:00 X"],
    ["none: the agent's", "DTSTART:20261121T100000", "10:00 X"],
    ["UTC", "DTSTART:20261121T090000Z", "10:00 X"],
  ])("%s", async (_what, start, expected) => {
    const { titles, notes } = await list(event(`UID:1\n${start}\nSUMMARY:X`), { zones: oslo, days: 1 });
    expect(titles).toEqual([expected]);
    expect(notes).toEqual([]);
  });

  it("that nothing explains are the agent's, which is noted", async () => {
    const { titles, notes } = await list(event(`UID:1\nDTSTART;TZID=Nowhere:20261121T100000\nSUMMARY:X`));
    expect(titles).toEqual(["10:00 X"]);
    expect(notes).toEqual(['unknown time zones are taken for the agent\'s own: "Nowhere"']);
  });

  it("keep an event at its time on the wall when clocks change", async () => {
    const daily = event(
      `UID:1\nDTSTART;TZID=Europe/Berlin:20260601T090000\nDTEND;TZID=Europe/Berlin:20260601T100000\nRRULE:FREQ=DAILY\nSUMMARY:X`,
    );
    const { titles } = await list(daily, { slotMs: Date.UTC(2026, 9, 24, 4) });
    expect(titles).toEqual(["09:00–10:00 X", "Sun 25 Oct 09:00–10:00 X"]);
  });

  it("decide what today is: the agent's", async () => {
    const late = event(`UID:1\nDTSTART:20261121T230000Z\nSUMMARY:X`);
    expect((await list(late, { days: 1, timezone: "UTC" })).titles).toEqual(["23:00 X"]);
    expect((await list(late, { days: 1, timezone: "Asia/Tokyo" })).titles).toEqual([]);
  });
});

describe("an event that was told of", () => {
  const at = (time: string, more = "") =>
    event(`UID:1\nDTSTART:${time}\nDTEND:20261122T120000Z\nSUMMARY:Review\n${more}`);

  it("is the same item for the rest of the day, and another the day after", async () => {
    const first = await list(at("20261122T100000Z"));
    const again = await list(at("20261122T100000Z"), { memory: first.memory, slotMs: SLOT_MS + 3_600_000 });
    const nextDay = await list(at("20261122T100000Z"), { memory: again.memory, slotMs: SLOT_MS + DAY_MS });
    expect(again.items[0]?.key).toBe(first.items[0]?.key);
    expect(nextDay.items[0]?.key).not.toBe(first.items[0]?.key);
    expect(nextDay.titles).toEqual(["11:00–13:00 Review"]);
  });

  it("says what changed when its time or place did, once", async () => {
    const first = await list(at("20261122T100000Z", "LOCATION:Room 4"));
    const second = await list(at("20261122T110000Z", "LOCATION:Room 5"), { memory: first.memory });
    expect(second.titles).toEqual([
      "Sun 22 Nov 12:00–13:00 Review, Room 5 (changed, was Sun 22 Nov 11:00–13:00 at Room 4)",
    ]);
    const third = await list(at("20261122T110000Z", "LOCATION:Room 5"), { memory: second.memory });
    expect(third.titles).toEqual(["Sun 22 Nov 12:00–13:00 Review, Room 5"]);
    expect(third.items[0]?.key).toBe(second.items[0]?.key);
  });

  it("says so when it was cancelled or is gone, once", async () => {
    const first = await list(at("20261122T100000Z"));
    const gone = "Sun 22 Nov 11:00–13:00 Review (cancelled, or moved to another day)";
    const cancelled = await list(at("20261122T100000Z", "STATUS:CANCELLED"), { memory: first.memory });
    expect(cancelled.titles).toEqual([gone]);
    const deleted = await list("", { memory: first.memory });
    expect(deleted.titles).toEqual([gone]);
    expect((await list("", { memory: deleted.memory })).titles).toEqual([]);
  });

  it("is not missed when it is over", async () => {
    const over = event(`UID:1\nDTSTART:20261121T063000Z\nSUMMARY:Early`);
    const first = await list(over);
    expect(first.titles).toEqual(["07:30 Early"]);
    expect((await list("", { memory: first.memory, slotMs: SLOT_MS + 3_600_000 })).titles).toEqual([]);
  });
});

describe("a calendar of somebody who means harm, or no calendar", () => {
  const bad = (rule: string, start = "DTSTART:20200101T080000Z") =>
    event(`UID:${rule}\n${start}\nRRULE:${rule}\nSUMMARY:Bad`);

  it.each([
    "FREQ=SECONDLY",
    "FREQ=MINUTELY",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;BYHOUR=3;BYMONTHDAY=31;BYMONTH=2",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=100000000",
    "FREQ=SECONDLY;BYSECOND=59;BYMINUTE=59;BYHOUR=23;BYMONTHDAY=31;BYMONTH=12",
    "FREQ=SECONDLY;COUNT=2000000000",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=NEVER",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=DAILY;UNTIL=99991231T235959Z",
  ])("takes no more than a moment, and the rest is there: %s", async (rule) => {
    const before = performance.now();
    const { titles, items } = await list(
      bad(rule) + event(`UID:good\nDTSTART:20261121T090000Z\nSUMMARY:Good`),
    );
    expect(performance.now() - before).toBeLessThan(3_000);
    expect(titles.some((title) => title.includes("Good"))).toBe(true);
    expect(items.length).toBeLessThanOrEqual(200);
  });

  it("spends no more on a thousand of them than on twenty", async () => {
    const many = Array.from({ length: 1_000 }, (_, at) =>
      bad("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30").replace("UID:", `UID:${at}`),
    );
    const before = performance.now();
    const { notes, titles } = await list(
      many.join("") + event(`UID:good\nDTSTART:20261121T090000Z\nSUMMARY:Good`),
    );
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(notes.join()).toMatch(/rules of recurring events that cannot be followed: "Bad"/);
    expect(titles.join()).toContain("Good");
  });

  it("survives years, dates, zones and lines that are none", async () => {
    const zone = `BEGIN:VTIMEZONE\r\nTZID:Evil\r\nBEGIN:STANDARD\r\nDTSTART:00010101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+9999\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n`;
    const { titles, notes } = await list(
      event(`UID:1\nDTSTART:99991231T235959Z\nSUMMARY:Far`) +
        event(`UID:2\nDTSTART:00000000T000000Z\nRRULE:FREQ=YEARLY\nSUMMARY:Zero`) +
        event(`UID:3\nDTSTART:20261399T990000\nSUMMARY:No date`) +
        event(`UID:4\nSUMMARY:No start`) +
        event(`UID:5\nDTSTART;TZID=Evil:20261121T090000\nSUMMARY:Evil zone`) +
        event(`UID:6\nDTSTART:20261121T090000Z\nDURATION:P999999999W\nSUMMARY:Endless`) +
        event(
          `UID:7\nDTSTART:20261121T090000Z\nDTEND:20261120T090000Z\nthis is no property\n:::\nSUMMARY:Backwards`,
        ),
      { zones: zone },
    );
    expect(titles.join()).toContain("09:00 Evil zone");
    expect(titles.join()).toContain("10:00 Backwards");
    expect(titles.join()).toContain("Endless");
    expect(titles.join()).not.toContain("Far");
    expect(notes.join("\n")).toMatch(/could not be read/);
  });

  it("leaves out an event that is too large, and bounds how many there are", async () => {
    const large = event(
      `UID:1\nDTSTART:20261121T090000Z\nSUMMARY:Large\n${"DESCRIPTION:x".padEnd(15_000, "x").concat("\n").repeat(6)}`,
    );
    const many = Array.from({ length: 400 }, (_, at) =>
      event(
        `UID:m${at}\nDTSTART:20261121T${String(8 + (at % 10)).padStart(2, "0")}0000Z\nSUMMARY:Many ${at}`,
      ),
    );
    const { items, notes } = await list(large + many.join(""), { more: { max_items: 50 } });
    expect(items).toHaveLength(50);
    expect(notes).toEqual([
      "350 later events left out (max_items can be raised)",
      "1 event left out, as they are too large or too many",
    ]);
    expect(items[0]?.title).toMatch(/^09:00 Many/);
  });

  it("refuses what is no calendar, is cut off, or is too large", async () => {
    const read = async (text: string, more: Partial<CalendarSource> = {}) => {
      const base = tempDir();
      writeFileSync(join(base, "team.ics"), text);
      const { context } = fakeJob(null, { base, slotMs: SLOT_MS });
      return await collectCalendar({ calendar: "team.ics", days: 2, ...more }, context);
    };
    await expect(read("<html>sign in</html>")).rejects.toThrow("it is no calendar");
    await expect(read(calendar(event(STANDUP)).slice(0, -20))).rejects.toThrow("cut off");
    await expect(read(calendar(event(STANDUP).repeat(50)), { max_bytes: 1024 })).rejects.toThrow(
      "larger than 1024 bytes",
    );
    await expect(read("")).rejects.toMatchObject({ code: "source_unreadable" });
  });
});
