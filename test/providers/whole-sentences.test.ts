import { expect, it } from "vitest";
import { wholeSentences } from "../../src/providers/reply-unusable.ts";

it.each([
  ["The harbour opens. Boats may", "The harbour opens."],
  ["The harbour opens. Boats may enter.", "The harbour opens. Boats may enter."],
  ["Is it open? Yes! It", "Is it open? Yes!"],
  ['He said "it is open." Then he', 'He said "it is open."'],
  ["It costs 3.5 million. The next costs 3.", "It costs 3.5 million."],
  ["Der Hafen öffnet am 3. Mai. Boote dür", "Der Hafen öffnet am 3. Mai."],
  ["港は五月に開く。船は", "港は五月に開く。"],
  ["The harbour of", ""],
  ["", ""],
])("of %j leaves %j", (text, expected) => {
  expect(wholeSentences(text)).toBe(expected);
});
