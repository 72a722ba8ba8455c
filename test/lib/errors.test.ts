import { describe, expect, test } from "vitest";
import { AfkError, assert, assertNever, messageOf } from "../../src/lib/errors.ts";

class CupboardEmpty extends AfkError {}

describe("an expected failure", () => {
  test("may be tried later and exits with 1, unless it says otherwise", () => {
    expect(new AfkError("empty", "nothing there")).toMatchObject({
      code: "empty",
      message: "nothing there",
      retry: "later",
      exitCode: 1,
    });
    const options = { retry: { afterMs: 5 }, exitCode: 69 };
    expect(new AfkError("empty", "nothing there", options)).toMatchObject(options);
  });

  test("is known by the name of its class", () => {
    const error = new CupboardEmpty("empty", "nothing there");
    expect(error.name).toBe("CupboardEmpty");
    expect(error).toBeInstanceOf(AfkError);
    expect(error).toBeInstanceOf(Error);
  });

  test("keeps its cause, and has none when there is none", () => {
    const cause = new Error("mice");
    expect(new AfkError("empty", "nothing there", { cause }).cause).toBe(cause);
    expect("cause" in new AfkError("empty", "nothing there")).toBe(false);
  });
});

describe("an assertion", () => {
  test("that holds says nothing", () => {
    expect(() => assert(1 === Number("1"), "one")).not.toThrow();
  });

  test.each([false, null, undefined, 0, ""])("that is %j is a bug, and no expected failure", (condition) => {
    const check = () => assert(condition, "a negative cap");
    expect(check).toThrow("afk bug: a negative cap");
    expect(check).not.toThrow(AfkError);
  });

  test("that something cannot be names what it was", () => {
    expect(() => assertNever("ajar" as never)).toThrow('afk bug: unexpected value "ajar"');
  });
});

test.each([
  [new Error("broken"), "broken"],
  ["broken", "broken"],
  [undefined, "undefined"],
  [42, "42"],
  [{ toString: () => "an object" }, "an object"],
])("what was thrown as %j has the message %j", (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});
