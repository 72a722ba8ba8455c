import { expect, test } from "vitest";
import { parseBoundedJson } from "../../../src/jobs/sources/bounded-json.ts";

test("gives what JSON.parse gives", () => {
  const value = { a: [1, -2.5e3, null, true, {}], 'b"\\': 'x,:[{\\"\u0000', "": [[]] };
  expect(parseBoundedJson(JSON.stringify(value), 20)).toEqual(value);
  expect(() => parseBoundedJson('{"a":', 20)).toThrow(SyntaxError);
});

test("does not count what stands in a string", () => {
  const value = [",:[{".repeat(100), '\\"'.repeat(100), "\\"];
  expect(parseBoundedJson(JSON.stringify(value), 3)).toEqual(value);
});

test.each(["[1,2,3]", '{"a":1,"b":2}', "[[[[]]]]", "[[[[", '["\\\\",1,2,3]'])(
  "refuses more values than it may have: %s",
  (text) => {
    expect(() => parseBoundedJson(text, 2)).toThrow(expect.objectContaining({ code: "source_unreadable" }));
  },
);
