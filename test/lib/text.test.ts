import { expect, test } from "vitest";
import { asSentence } from "../../src/lib/text.ts";

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
