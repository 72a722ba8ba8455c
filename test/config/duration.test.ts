import { describe, expect, it } from "vitest";
import { durationMs } from "../../src/config/fields.ts";

describe("durationMs", () => {
  it.each([
    ["90s", 90_000],
    ["5m", 300_000],
    ["4h", 14_400_000],
    ["2d", 172_800_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s", 93_784_000],
    ["0h5m", 300_000],
  ])("reads %s", (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    "",
    "5",
    "m",
    "5 m",
    "-5m",
    "1.5h",
    "0s",
    "0d0h",
    "30m1h",
    "5m5m",
    "5ms",
    "5M",
    "5m ",
    `${"9".repeat(30)}d`,
  ])("refuses %j", (text) => {
    expect(durationMs(text)).toBeNull();
  });
});
