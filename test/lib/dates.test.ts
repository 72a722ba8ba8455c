import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { parseDate } from "../../src/lib/dates.ts";

const iso = (text: string) => {
  const ms = parseDate(text);
  return ms === null ? null : new Date(ms).toISOString().replace(/(?::00)?\.000Z$/, "Z");
};
const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

describe("mail and RSS (RFC 5322)", () => {
  test.each([
    ["Tue, 03 Nov 2026 08:00:00 +0100", "2026-11-03T07:00Z"],
    ["Tue, 03 Nov 2026 08:00:00", "2026-11-03T08:00Z"],
    ["3 Nov 2026", "2026-11-03T00:00Z"],
    ["Tue,3 Nov 26 08:00+0100", "2026-11-03T07:00Z"],
    ["Tue, 3 Nov 99 08:00 GMT", "1999-11-03T08:00Z"],
    ["Tue, 3 Nov 126 08:00 GMT", "2026-11-03T08:00Z"],
    ["Mon, 06 Jul 2026 10:25:00 +0200 (CEST)", "2026-07-06T08:25Z"],
    ["Tue (a (nested) day), 3 Nov 2026 (x) 08:00 -0500", "2026-11-03T13:00Z"],
    ["Tue, 03 (nested (x) Mar)Nov(escaped \\) 2005) 2026()10:25:00 +0000", "2026-11-03T10:25Z"],
    ["Tue, 03 Nov 2026 10:25:00 CET", "2026-11-03T09:25Z"],
    ["Mon, 06 Jul 2026 10:25:00 BST", "2026-07-06T09:25Z"],
    ["Tue, 03 Nov 2026 10:25:00 JST", "2026-11-03T01:25Z"],
    ["Tue, 03 Nov 2026 10:25:00 PDT", "2026-11-03T17:25Z"],
    ["Tue, 03 Nov 2026 10:25:00 A", "2026-11-03T10:25Z"],
    ["Tue, 03 Nov 2026 10:25:00 -700", "2026-11-03T17:25Z"],
    ["Tue, 03 Nov 2026 10:25:00 GMT+2", "2026-11-03T08:25Z"],
    ["Tue, 03 Nov 2026 10:25:00 MST -07:00", "2026-11-03T17:25Z"],
    ["Tue Nov  3 08:00:00 2026", "2026-11-03T08:00Z"],
    ["Tue Nov 3 08:00:00 +0100 2026", "2026-11-03T07:00Z"],
    ["Tue Nov 3 08:00:00 EST 2026", "2026-11-03T13:00Z"],
    ["Tue Nov 03 2026 10:00:00 GMT+0100 (Central European Standard Time)", "2026-11-03T09:00Z"],
    ["Tuesday, 03-Nov-26 08:00:00 GMT", "2026-11-03T08:00Z"],
    ["Thursday, 31 Dec 2026 23:59:60 GMT", "2026-12-31T23:59:59.000Z"],
  ])("%s", (text, expected) => {
    expect(iso(text)?.replace(/(:59)Z$/, "$1.000Z")).toBe(expected);
  });
});

describe("ISO 8601", () => {
  test.each([
    ["2026-11-03T08:00:00Z", "2026-11-03T08:00Z"],
    ["2026-11-03", "2026-11-03T00:00Z"],
    ["2026-11-03T08:00:00", "2026-11-03T08:00Z"],
    ["2026-11-03 08:00:00.000", "2026-11-03T08:00Z"],
    ["2026-11-03T08:00:00.123456789+01:00", "2026-11-03T07:00Z"],
    ["2026-11-03T08:00:00,5Z", "2026-11-03T08:00Z"],
    ["2026-11-03T10:25:00-07", "2026-11-03T17:25Z"],
    ["2026-11-03T10:25:00-05:00Z", "2026-11-03T15:25Z"],
    ["2026-11-03T24:00:00Z", "2026-11-04T00:00Z"],
    ["20261103T080000Z", "2026-11-03T08:00Z"],
    ["20261103T0800", "2026-11-03T08:00Z"],
    ["20261103", "2026-11-03T00:00Z"],
    ["20261103080000", "2026-11-03T08:00Z"],
    ["202611030800", "2026-11-03T08:00Z"],
    ["2026-11-03+08:00", "2026-11-02T16:00Z"],
    ["2026-11-03Z", "2026-11-03T00:00Z"],
    ["26-11-03", "2026-11-03T00:00Z"],
    ["261103", "2026-11-03T00:00Z"],
    ["2026-011-03T08:00:00+00:00", "2026-11-03T08:00Z"],
    ["2026-W45-2", "2026-11-03T00:00Z"],
    ["2026W45", "2026-11-02T00:00Z"],
    ["2026-W01-1", "2025-12-29T00:00Z"],
    ["2026-307", "2026-11-03T00:00Z"],
    ["2026307", "2026-11-03T00:00Z"],
    ["26307", "2026-11-03T00:00Z"],
    ["2026-11", "2026-11-01T00:00Z"],
    ["-26-11", "2026-11-01T00:00Z"],
    ["-2611", "2026-11-01T00:00Z"],
    ["2026", "2026-01-01T00:00Z"],
  ])("%s", (text, expected) => {
    expect(iso(text)).toBe(expected);
  });
});

describe("what people and programs write", () => {
  test.each([
    ["11/03/2026 10:25:00 AM", "2026-11-03T10:25Z"],
    ["13/11/2026 5:00 pm", "2026-11-13T17:00Z"],
    ["Fri, 11/13/2026 - 19:19", "2026-11-13T19:19Z"],
    ["3.11.2026", "2026-11-03T00:00Z"],
    ["03-11-2026", "2026-11-03T00:00Z"],
    ["30.10.26", "2026-10-30T00:00Z"],
    ["11/3/26 08:00", "2026-11-03T08:00Z"],
    ["Tue, 03 11 2026 08:00:00 +0100", "2026-11-03T07:00Z"],
    ["2026/11/03 08:00 EST", "2026-11-03T13:00Z"],
    ["11-Nov-2026", "2026-11-11T00:00Z"],
    ["Nov. 3, 2026, 12:37 a.m.", "2026-11-03T00:37Z"],
    ["Nov 3rd, 2026 at 12:37 PM EST", "2026-11-03T17:37Z"],
    ["5 PM Nov 3 2026", "2026-11-03T17:00Z"],
    ["14:05, 3 November 2026", "2026-11-03T14:05Z"],
    ["November 17th, 2026", "2026-11-17T00:00Z"],
    ["3rd of November 2026", "2026-11-03T00:00Z"],
    ["Nov. 2026", "2026-11-01T00:00Z"],
    ["1793615100", "2026-11-02T10:25Z"],
    ["1793615100000", "2026-11-02T10:25Z"],
    ["1793615100000000", "2026-11-02T10:25Z"],
    ["1793615100000000000", "2026-11-02T10:25Z"],
    ["1793615100.0", "2026-11-02T10:25Z"],
  ])("%s", (text, expected) => {
    expect(iso(text)).toBe(expected);
  });
});

describe("other languages", () => {
  test.each([
    ["Di, 3. März 2026, 14:05 Uhr", "2026-03-03T14:05Z"],
    ["lun., 02 févr. 2026 10:25:00 +0100", "2026-02-02T09:25Z"],
    ["mar., 03 mars 2026 10:25", "2026-03-03T10:25Z"],
    ["mar., 1 déc. 2026", "2026-12-01T00:00Z"],
    ["3 novembre 2026 à 14h05", "2026-11-03T14:05Z"],
    ["3 de noviembre de 2026", "2026-11-03T00:00Z"],
    ["3 gennaio 2026", "2026-01-03T00:00Z"],
    ["2 out 2026", "2026-10-02T00:00Z"],
    ["di 3 mrt 2026", "2026-03-03T00:00Z"],
    ["poniedziałek, 5 października 2026 12:00", "2026-10-05T12:00Z"],
    ["3 ноября 2026 г., 14:05", "2026-11-03T14:05Z"],
    ["Вт, 3 ноя 2026 14:05:00 +0300", "2026-11-03T11:05Z"],
    ["Τρί, 3 Νοε 2026 14:05", "2026-11-03T14:05Z"],
    ["2026-július-13T9:15-05:00", "2026-07-13T14:15Z"],
    ["2026. november 3. 9:15", "2026-11-03T09:15Z"],
    ["12 Kasım 2026", "2026-11-12T00:00Z"],
    ["2026년 11월 3일 오후 5:07", "2026-11-03T08:07Z"],
    ["2026年11月3日(火) 午後 5:07", "2026-11-03T17:07Z"],
    ["2026年11月3日 午後5時07分", "2026-11-03T17:07Z"],
    ["2026년 11월 3일 오전 9시 5분", "2026-11-03T00:05Z"],
    ["الثلاثاء, 03 نوفمبر 2026 10:25:00 +0300", "2026-11-03T07:25Z"],
    ["3 נובמבר 2026, 14:05", "2026-11-03T14:05Z"],
    ["3 พฤศจิกายน 2026 10:25:00 +0700", "2026-11-03T03:25Z"],
    ["3. marraskuuta 2026 klo 9.05", "2026-11-03T09:05Z"],
    ["Tue, 03 Nov 2026 10.25.00 GMT", "2026-11-03T10:25Z"],
  ])("%s", (text, expected) => {
    expect(iso(text)).toBe(expected);
  });
});

describe("zones", () => {
  test("by their place, with its summer time", () => {
    expect(iso("Tue, 03 Nov 2026 10:25:00 Europe/Berlin")).toBe("2026-11-03T09:25Z");
    expect(iso("Fri, 03 Jul 2026 10:25:00 Europe/Berlin")).toBe("2026-07-03T08:25Z");
    expect(iso("3 Nov 2026 10:25 Etc/GMT")).toBe("2026-11-03T10:25Z");
    expect(iso("2026-11-03T10:25:00[Europe/Berlin]")).toBe("2026-11-03T09:25Z");
    expect(iso("2026-11-03T10:25:00+02:00[Europe/Berlin]")).toBe("2026-11-03T08:25Z");
  });

  test.each(["XYZ", "Nowhere/City", "+9900", "Zone", "'GMT'"])("the unknown %s keeps the date", (name) => {
    expect(iso(`Tue, 03 Nov 2026 10:25:00 ${name}`)).toBe("2026-11-03T10:25Z");
  });

  test("never that of the machine", () => {
    for (const TZ of ["America/New_York", "Asia/Tokyo"]) {
      process.env.TZ = TZ;
      for (const text of ["11/03/2026 10:25:00 AM", "3-Nov-2026 10:25", "Tue Nov 3 10:25:00 2026"])
        expect(iso(text)).toBe("2026-11-03T10:25Z");
    }
  });
});

test.each([
  "",
  "yesterday",
  "Thu, 01 Jan 1970 00:00:00 +0000",
  "3 hours ago",
  "1066-10-14",
  "0001-01-01T00:00:00Z",
  "0050-06-01T00:00:00Z",
  "9999-12-31",
  "31 Feb 2026",
  "2026-13-01",
  "2026-00-01",
  "2026-11-00",
  "Tue, 99 Nov 2026 12:00:00 GMT",
  "2026-11-03T25:14:55Z",
  "2026-11-03T10:61:55Z",
  "Tue, 3 Nov 2026 1:2:3:4 GMT",
  "Tue, 3 zzz 2026 11:47:32 GMT",
  "Tue, Nov x 2026 11:47:32 GMT",
  "Tue, 3 Nov zz 11:47:32 GMT",
  "Tue, 3 Nov 2026 11:47:32 +zz:00",
  "Tue, 3 Nov 2026 11:47:32 +00:zz",
  "2026-xx-27",
  "2026-11-03T09:xx:00Z",
  "2026-11-03-01",
  `3 Nov 2026${" x".repeat(60)}`,
])("%j is no date", (text) => {
  expect(parseDate(text)).toBeNull();
});

test("reads back what every program of this kind writes, and gives an instant or null for anything", () => {
  const instant = fc.integer({ min: 1, max: Date.UTC(2200, 0) / 1000 }).map((seconds) => seconds * 1000);
  fc.assert(
    fc.property(instant, (ms) => {
      const date = new Date(ms);
      expect(parseDate(date.toISOString())).toBe(ms);
      expect(parseDate(date.toUTCString())).toBe(ms);
      for (const [language, timeZone] of [
        ["en-US", "UTC"],
        ["de", "UTC"],
        ["fr", "UTC"],
        ["pl", "UTC"],
        ["ru", "UTC"],
        ["ja", "UTC"],
      ] as const) {
        const format = new Intl.DateTimeFormat(language, {
          dateStyle: "long",
          timeStyle: "medium",
          timeZone,
        });
        expect(parseDate(format.format(date))).toBe(ms);
      }
    }),
    { numRuns: 200 },
  );
  const pieces = fc.constantFrom(
    "3",
    "11",
    "2026",
    "nov",
    "mar",
    ":",
    "-",
    "+",
    "/",
    ".",
    ",",
    " ",
    "T",
    "Z",
    "(",
    "年",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces, { maxLength: 40 }).map((all) => all.join("")),
      ),
      (text) => {
        const ms = parseDate(text);
        expect(ms === null || (Number.isInteger(ms) && ms >= 0)).toBe(true);
      },
    ),
    { numRuns: 2_000 },
  );
});
