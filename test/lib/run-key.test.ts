import { describe, expect, it } from "vitest";
import { jobNameOf, readRunKey } from "../../src/lib/run-key.ts";

describe("the key of a run", () => {
  it("says of which job it is and when, and whether a person wished for it", () => {
    const atMs = Date.parse("2026-11-21T06:00:00.000Z");
    expect(readRunKey("digest@2026-11-21T06:00:00.000Z")).toEqual({ name: "digest", isByHand: false, atMs });
    expect(readRunKey("a@b@hand:2026-11-21T06:00:00.000Z")).toEqual({ name: "a@b", isByHand: true, atMs });
  });

  it.each(["monday", "digest@monday", "digest@2026-13-41T06:00:00Z", "digest@2026-11-21T06:00:00Z:more"])(
    "says nothing where a person chose it: %s",
    (key) => {
      expect(readRunKey(key)).toBeNull();
      expect(jobNameOf(key)).toBe(key);
    },
  );
});
