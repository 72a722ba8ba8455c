import { expect, test } from "vitest";
import { asksToStop, isStop, isTooOld } from "../../../src/runner/remote/stop-words.ts";

test.each([
  "stop",
  "Stop",
  "STOP!",
  "STOP!!!",
  "/stop",
  "/stop@afk_test_bot",
  "stop.",
  " stop ",
  "stop please",
  "please stop",
  "Please, stop now!",
  "stop now",
  "stop stop stop",
  "stop it",
  "stop all",
  "ｓｔｏｐ",
  "🛑 stop",
])("%j stops", (text) => {
  expect(isStop(text)).toBe(true);
});

test.each([
  "",
  "!",
  "please",
  "now",
  "all of it now please",
  "don't stop",
  "do not stop",
  "stop digest",
  "stopped",
  "nonstop",
  "unstop",
  "resume",
  "why did it stop?",
  "stop the music and tell me what the agent does now",
  // Letters of other alphabets that look alike.
  "ѕtop",
  "stоp",
  "stop".split("").join(" "),
])("%j does not, by itself", (text) => {
  expect(isStop(text)).toBe(false);
});

test("a stop counts for an hour, everything else for ten minutes", () => {
  const minute = 60_000;
  expect(isTooOld("stop", 59 * minute)).toBe(false);
  expect(isTooOld("stop", 61 * minute)).toBe(true);
  expect(isTooOld("status", 9 * minute)).toBe(false);
  expect(isTooOld("status", 11 * minute)).toBe(true);
  // The sender's service is ahead of itself, or of this machine.
  expect(isTooOld("status", -5 * minute)).toBe(false);
});

test("a stop with its reason is as urgent, and counts for as long", () => {
  expect(isStop("stop the bill looks odd")).toBe(false);
  expect(["stop the bill looks odd", "/stop: the bill", "STOP!"].map(asksToStop)).toEqual([true, true, true]);
  expect(["stopped", "do not stop", "nonstop"].map(asksToStop)).toEqual([false, false, false]);
  expect(isTooOld("stop the bill looks odd", 59 * 60_000)).toBe(false);
});
