import { expect, test } from "vitest";
import { asSentence, cleanText, clip, endOfError, oneLine } from "../../src/lib/text.ts";

test.each([
  ["the feed was empty", "the feed was empty."],
  ["the feed was empty.", "the feed was empty."],
  ["  the feed was empty. \n", "the feed was empty."],
  ["and so on...", "and so on."],
  ["at 10.30", "at 10.30."],
  ["really?", "really?"],
])("%j is the sentence %j", (text, sentence) => {
  expect(asSentence(text)).toBe(sentence);
});

test("removes control characters, hidden text and changes of direction, and keeps the rest", () => {
  expect(cleanText("a\u0000b\u001b[31mc\u0085d\u202Ee\u2066f\u200Bg\u{E0041}h", 100)).toBe("ab[31mc\ndefgh");
  expect(cleanText("שלום 👩‍🔧 κόσμε\r\n世界\tx", 100)).toBe("שלום 👩‍🔧 κόσμε\n世界 x");
  expect(cleanText("lone \uD83D half", 100)).toBe("lone \uFFFD half");
});

test("keeps at most six combining marks in a row", () => {
  expect(cleanText(`a${"\u0301".repeat(500)}b`, 100)).toBe(`a${"\u0301".repeat(6)}b`);
});

test("a line is one line, whatever ends lines", () => {
  expect(oneLine("a\nb\r\nc\u2028d\u000be", 100)).toBe("a b c d e");
});

test("never cuts a pair of surrogates in two", () => {
  expect(clip("ab🚲cd", 4)).toBe("ab…");
  expect(clip("ab", 2)).toBe("ab");
});

test("of a long error the end is kept, where a Python traceback says what happened", () => {
  const frames = Array.from(
    { length: 9 },
    (_, n) => `  File "/srv/sync/client.py", line ${n}, in step\n    next(${n})`,
  );
  const text = `job sync: ./sync.py exited with 1: Traceback (most recent call last):\n${frames.join("\n")}\nValueError: no account has the id 42`;
  const short = "job sync: ./sync.py exited with 1: ValueError: no account has the id 42";
  expect(endOfError(text)).toBe(short);
  expect(endOfError(text.replace(/\s+/g, " "))).toBe(short);
  const log = `job sync: ./sync.sh exited with 1: ${"a line of its log ".repeat(20)}and no account has the id 42`;
  expect(endOfError(log).length).toBeLessThanOrEqual(200);
  expect(endOfError(log)).toMatch(
    /^job sync: \.\/sync\.sh exited with 1: .* … .*and no account has the id 42$/,
  );
  expect(endOfError("one line\nand another")).toBe("one line and another");
  expect(endOfError("🚲".repeat(300)).isWellFormed()).toBe(true);
});
