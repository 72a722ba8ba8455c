import { expect, test } from "vitest";
import { networkWords } from "../../../src/jobs/programs/network-words.ts";

test("says what was refused, and that nothing but an agreement kept the program", () => {
  expect(networkWords(undefined)).toBe("");
  expect(networkWords({ isEnforced: true, refused: [] })).toBe("");
  expect(networkWords({ isEnforced: false, refused: [] })).toBe(", network by agreement only");
  expect(networkWords({ isEnforced: true, refused: ["a:443", "b:80", "c:80"] })).toBe(
    ", refused: a:443, b:80 and 1 more",
  );
});
