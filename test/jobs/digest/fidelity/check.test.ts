import { describe, expect, test } from "vitest";
import { faultOf } from "../../../../src/jobs/digest/fidelity/check.ts";
import { itemRequest } from "../../../../src/jobs/digest/prompt.ts";
import { CASES, type Case } from "./cases.ts";
import { MORE_CASES } from "./more-cases.ts";

const ALL = [...CASES, ...MORE_CASES];

const faultIn = ({ title, text, language }: Case, summary: string) => {
  const item = { key: "k", title, link: null, text, publishedAt: null, source: "s" };
  const instructions = itemRequest(item, language).messages[0]!.content;
  return faultOf(summary, { source: `${title}\n${text}`, instructions, language });
};

const honest = ALL.flatMap((each) => each.honest.map((summary) => [summary, each] as const));
const faults = ALL.flatMap((each) => each.faults.map(([what, summary]) => [what, summary, each] as const));

describe("an honest summary is printed", () => {
  test.each(honest)("%s", (summary, each) => {
    expect(faultIn(each, summary)).toBeNull();
  });
});

describe("a summary with a fault is not", () => {
  test.each(faults)("%s: %s", (_, summary, each) => {
    expect(faultIn(each, summary)).not.toBeNull();
  });
});

describe("a full stop that ends no sentence", () => {
  const harbour: Case = {
    ...ALL[0]!,
    ...{ title: "Harbour opens", language: null, honest: [], faults: [] },
    text: "The harbour of Lindau opens again in the U.S. style. Vitamin C is sold there, said Dr. Berg. Boats may enter.",
  };

  test.each([
    "It opens, said Dr. Frankenstein.",
    "The mayor, Mr. Bonaparte, spoke.",
    "It is run by J. P. Morgan now.",
  ])("hides no name: %s", (summary) => {
    expect(faultIn(harbour, summary)).not.toBeNull();
  });

  test.each([
    "It opens in U.S. style, said Dr. Berg.",
    "They sell vitamin C. Ships may enter.",
    "It is as in the U.S. Ships may enter.",
  ])("makes none: %s", (summary) => {
    expect(faultIn(harbour, summary)).toBeNull();
  });
});

test.each([
  ["docs.example.org/guide", null],
  ["example.org/guide", null],
  ["https://example.org", null],
  ["ple.org", "ple.org"],
  ["other.example.org", "other.example.org"],
])("an address is one of the text's own: %s", (address, unknown) => {
  const source = "The guide is at https://docs.example.org/guide now, and more at example.org.";
  const fault = faultOf(`The guide is at ${address} now.`, { source, instructions: "", language: null });
  expect(fault).toBe(unknown === null ? null : `it named ${unknown}, which the text does not`);
});

test("the largest text is checked in a moment, whatever is in it", () => {
  const instructions = itemRequest(
    { key: "k", title: "t", link: null, text: "", publishedAt: null, source: "s" },
    null,
  ).messages[0]!.content;
  const started = process.cpuUsage().user;
  for (const unit of [
    "A1,",
    "a@",
    "1.",
    "<content>",
    "www.",
    "Aa ",
    "1 000 ",
    "(",
    "ß",
    "万1",
    "Mai-",
    "\n- ",
  ]) {
    const source = unit.repeat(Math.ceil(32_000 / unit.length));
    for (const language of [null, "German"])
      faultOf(unit.repeat(Math.ceil(600 / unit.length)), { source, instructions, language });
  }
  expect((process.cpuUsage().user - started) / 1000).toBeLessThan(10_000);
});

test("there are enough of both to speak of", () => {
  expect(honest.length).toBeGreaterThanOrEqual(80);
  expect(faults.length).toBeGreaterThanOrEqual(140);
});
