import { expect, test } from "vitest";
import { matchPhrases } from "../../src/store/full-text.ts";

const found = (texts: string[], phrase: string) =>
  matchPhrases(
    texts.map((text) => ({ title: "", text })),
    [phrase],
  )[0]!.map((score) => score > 0);

test.each([
  ["postgres", "Postgres 19 is out", true],
  ["sailing", "They sailed to Skovby", true],
  ["open source", "an open-source tool", true],
  ["open source", "open the source file later: source, then open", false],
  ["segel*", "Das Segelboot", true],
  ["segel", "Das Segelboot", false],
  ["musee", "Le musée rouvre", true],
  ["鉄道", "新しい鉄道が開業する", true],
  ["c++", "C++ and Rust", true],
  ["title OR text", "only text", false],
  ['" OR *', "anything", false],
  ["***", "anything", false],
  ["NEAR(a b)", "near a b", true],
  ["x", "an x in the text", false],
])("%j in %j: %s", (phrase, text, isFound) => {
  expect(found([text], phrase)).toEqual([isFound]);
});

test("a word that all of few texts have counts, in titles more than in texts", () => {
  const [scores] = matchPhrases(
    [
      { title: "Postgres", text: "is out" },
      { title: "News", text: "postgres is out" },
      { title: "News", text: `postgres ${"and many other words ".repeat(50)}` },
    ],
    ["postgres"],
  );
  expect(scores!.every((score) => score > 1)).toBe(true);
  expect(scores).toEqual(scores!.toSorted((a, b) => b - a));
});

test("the same texts give the same figures, and none give none", () => {
  const documents = Array.from({ length: 50 }, (_, n) => ({
    title: `title ${n}`,
    text: "postgres ".repeat(n),
  }));
  expect(matchPhrases(documents, ["postgres", "title"])).toEqual(
    matchPhrases(documents, ["postgres", "title"]),
  );
  expect(matchPhrases([], ["postgres"])).toEqual([[]]);
});
