import { describe, expect, it } from "vitest";
import { jobKey } from "../../src/queue/enqueue.ts";

describe("a job's key", () => {
  it("is one, however its characters are composed", () => {
    expect(jobKey("pr\u00e9lude")).toBe(jobKey("pre\u0301lude"));
    expect(jobKey("\u212b")).toBe(jobKey("A\u030a"));
  });

  it.each([
    ["no width", "a\u200bb", "U+200B"],
    ["no width, at its end", "monday\ufeff", "U+FEFF"],
    ["a joiner", "a\u200db", "U+200D"],
    ["a soft hyphen", "a\u00adb", "U+00AD"],
    ["a turn of direction", "a\u202eb", "U+202E"],
    ["an isolate", "a\u2066b", "U+2066"],
    ["a tag", "a\u{e0041}", "U+E0041"],
    ["a selector of variants", "a\ufe0f", "U+FE0F"],
    ["another selector", "a\u{e0100}", "U+E0100"],
    ["a filler", "a\u3164", "U+3164"],
    ["a space that does not break", "a\u00a0b", "U+00A0"],
    ["a line break", "a\nb", "U+000A"],
    ["a line separator", "a\u2028b", "U+2028"],
    ["half a character", "a\ud800", "U+D800"],
  ])("with %s is refused, and the character is named", (_, key, name) => {
    expect(() => jobKey(key)).toThrow(name);
    expect(() => jobKey(key)).not.toThrow(key);
  });

  it("has 1 to 200 characters", () => {
    expect(() => jobKey("")).toThrow("1 to 200");
    expect(jobKey("\u{1f600}".repeat(200))).toHaveLength(400);
    expect(() => jobKey("a".repeat(201))).toThrow("1 to 200");
  });
});
