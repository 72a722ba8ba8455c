import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../../src/lib/redact.ts";
import { formatLine } from "../../src/logs/line.ts";

const SECRETS = ["s3cret-value", "87654321"];
const redact = createRedactor(SECRETS);
const line = (fields: Record<string, unknown>, event = "call_done") =>
  formatLine(1_000, "info", event, fields, redact);
/** An empty list is no short value, so the line is made the long way; without it, it says the same. */
const longWay = (fields: Record<string, unknown>, event?: string) =>
  line({ ...fields, zz: [] }, event).replace(',"zz":[]', "");

const name = fc.oneof(
  fc.constantFrom("model", "entry", "token", "apiKey", "bot_token", "ts", "level", "event", 'a"b', "naïve"),
  fc.string({ maxLength: 12 }).filter((text) => text !== "zz"),
);
const value = fc.oneof(
  fc.constantFrom<unknown>(
    "ollama/qwen2.5:3b",
    "01kaj2m3n4p5q6r7s8t9v0w1x2",
    "it says s3cret-value twice: s3cret-value",
    87_654_321,
    "bearer abcdefgh12345",
    "https://me:pw@example.org/x",
    "sk-abcdefgh12345678",
    "password: hunter22",
    "two\nlines",
    "\ud800 alone",
    -0,
    Number.NaN,
    null,
    undefined,
  ),
  fc.string({ unit: "binary", maxLength: 120 }),
  fc.double(),
  fc.boolean(),
);

describe("a line of short values", () => {
  it("is the one that looking at each field by itself gives", () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 8 }), (fields) => {
        expect(line(fields)).toBe(longWay(fields));
      }),
      { numRuns: 3_000 },
    );
  });

  it("holds no secret, whatever field it is in", () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 8 }), (fields) => {
        for (const secret of SECRETS) expect(line(fields)).not.toContain(secret);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is told of by an event that is bounded and free of secrets too", () => {
    for (const event of ["s3cret-value", "e".repeat(101), 'a "quoted" one'])
      expect(line({ a: 1 }, event)).toBe(longWay({ a: 1 }, event));
  });
});
