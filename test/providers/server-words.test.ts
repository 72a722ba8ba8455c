import { expect, it } from "vitest";
import { errorIn, serverWords } from "../../src/providers/reply-json.ts";

it.each([
  ['{"error": {"message": "no"}}', "no"],
  ['{"type": "error", "error": {"type": "x", "message": "no"}}', "no"],
  ['{"error": "no"}', "no"],
  ['{"message": "no"}', "no"],
  ['{"detail": "no"}', "no"],
  ['{"error": {"message": "no"}, "message": "worse"}', "no"],
  ['{"error": {"error": {"message": "no"}}}', "no"],
  ['{"detail": [{"loc": ["body", "n"], "msg": "no"}, {"msg": "nor this"}]}', "body.n: no; nor this"],
  [
    '{"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "no"}]}}',
    "body.x: no",
  ],
  ['{"error": {"code": 1}}', null],
  ['{"error": ""}', null],
  ['{"error": null}', null],
  ['{"errors": [{"message": "no"}]}', "no"],
  ['{"Message": "no"}', "no"],
  ['{"detail": []}', null],
  ['"error"', null],
  ["null", null],
  ["[]", null],
])("finds the server's own words in %s", (body, expected) => {
  expect(serverWords(JSON.parse(body))).toBe(expected);
});

it("tells a provider's own error from what something in between says", () => {
  expect(errorIn({ error: { message: "no" } })).toBe("no");
  expect(errorIn({ detail: "upstream failed" })).toBeNull();
});

it("ends with words that lie in each other without end, and takes a few of many", () => {
  let deep: unknown = "no";
  for (let n = 0; n < 1_000; n++) deep = { error: deep };
  expect(serverWords(deep)).toBeNull();
  expect(serverWords({ detail: Array(1_000).fill({ msg: "no" }) })).toBe("no; no; no; no; no");
});
