import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DuplicateKey, topLevelValues, withKeys } from "../../src/lib/json-text.ts";

function edited(text: string, set: Record<string, unknown>): string {
  return withKeys(text, topLevelValues(text), set);
}

describe("the keys of a JSON text", () => {
  it.each([
    ["set in an empty object", "{}", { a: 1 }, '{"a":1}'],
    ["set before the others", '{"b":2}', { a: 1 }, '{"a":1,"b":2}'],
    ["replaced where it stands", '{"a": [1, {"a": 2}] , "b":2}', { a: 1 }, '{"a": 1 , "b":2}'],
    ["replaced at the end", '{"b":"x,}","a": {"c":"}"} }', { a: null }, '{"b":"x,}","a": null }'],
    ["found behind an escape", '{"\\u0061":1,"b":2}', { a: 3 }, '{"\\u0061":3,"b":2}'],
    ["found behind an escaped quote", '{"x":"\\\\\\"","a":1}', { a: 2 }, '{"x":"\\\\\\"","a":2}'],
    ["several at once", '{"a":1,"b":2}', { b: 3, c: 4, a: 0 }, '{"c":4,"a":0,"b":3}'],
    [
      "left as they are",
      ' { "n" : 1.0 , "big":12345678901234567890 } ',
      {},
      ' { "n" : 1.0 , "big":12345678901234567890 } ',
    ],
  ])("%s", (_, text, set, expected) => {
    expect(edited(text, set)).toBe(expected);
  });

  it("are the same after an edit, but for what was set", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (object, set) => {
          const safe = Object.fromEntries(Object.entries(object).filter(([key]) => key !== "__proto__"));
          const by = Object.fromEntries(Object.entries(set).filter(([key]) => key !== "__proto__"));
          for (const space of [0, 2]) {
            const text = JSON.stringify(safe, null, space);
            expect(JSON.parse(edited(text, by))).toEqual(JSON.parse(JSON.stringify({ ...safe, ...by })));
          }
        },
      ),
    );
  });

  it.each([
    ['{"a":1,"a":2}'],
    ['{"b":{"a":1,"c":[{"x":1},{"y":1,"y":2}]}}'],
    ['{"a":1,"\\u0061":2}'],
    [`{${Array.from({ length: 40 }, (_, n) => `"k${n}":0`).join(",")},"k3":1}`],
  ])("that stand twice are refused: %s", (text) => {
    expect(() => topLevelValues(text)).toThrow(DuplicateKey);
  });

  it.each([['{"a":{"a":1},"b":[{"a":1},{"a":2}]}'], ['{"a":"a\\":1,\\"a"}']])(
    "that stand once each pass: %s",
    (text) => {
      expect(() => topLevelValues(text)).not.toThrow();
    },
  );
});
