import { expect, it } from "vitest";
import { globMatcher } from "../../src/lib/glob.ts";

it.each([
  ["report-*.md", "report-1.md", true],
  ["report-*.md", "report-.md", true],
  ["report-*.md", "report-1.mdx", false],
  ["a*a", "a", false],
  ["*", "", true],
  ["**.log", "x.log", true],
  ["a.log", "a.log", true],
  ["a.log", "abclog", false],
  ["*b*c*", "abxc", true],
  ["*c*b*", "abxc", false],
  ["*ab*b", "xab", false],
])("%s takes %s: %s", (pattern, name, isTaken) => {
  expect(globMatcher(pattern)(name)).toBe(isTaken);
});

it("ends at once on names that are made to be tried in every way", () => {
  expect(globMatcher(`${"*a".repeat(60)}*b`)(`${"a".repeat(250)}c`)).toBe(false);
});
