import { describe, expect, it } from "vitest";
import { hostMatches } from "../../src/config/hosts.ts";

describe("hostMatches", () => {
  it.each([
    ["example.org", "example.org"],
    ["example.org", "EXAMPLE.org"],
    ["*.example.org", "a.example.org"],
    ["*.example.org", "a.b.example.org"],
    ["*.example.org", "*.example.org"],
    ["*.example.org", "*.b.example.org"],
  ])("lets %s admit %s", (pattern, host) => {
    expect(hostMatches(pattern, host)).toBe(true);
  });

  it.each([
    ["example.org", "a.example.org"],
    ["*.example.org", "example.org"],
    ["*.example.org", "badexample.org"],
    ["a.example.org", "*.example.org"],
    ["*.b.example.org", "*.example.org"],
  ])("does not let %s admit %s", (pattern, host) => {
    expect(hostMatches(pattern, host)).toBe(false);
  });
});
