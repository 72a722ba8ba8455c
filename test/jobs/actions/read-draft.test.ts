import { describe, expect, test } from "vitest";
import { readDraft, writeContent } from "../../../src/jobs/actions/read-draft.ts";
import { actions } from "../../../src/jobs/actions/registry.ts";
import { PermanentFailure } from "../../../src/queue/job.ts";

describe("a draft is read", () => {
  test("by its action's own schema", () => {
    const { action, content } = readDraft("post", '{"url":"https://a.test/","json":1}');
    expect(action.action).toBe("post");
    expect(content).toEqual({ url: "https://a.test/", method: "POST", headers: {}, json: 1 });
  });

  test.each([
    ["an action that does not exist", "send_money", "{}", "There are: post"],
    ["a name that is nearly one", "pots", "{}", "Did you mean post?"],
    ["a name that every object has", "constructor", "{}", "no action"],
    ["content that is refused", "post", '{"url":"ftp://a"}', '"url": write a whole address'],
    ["content that is too long", "post", JSON.stringify({ text: "a".repeat(300_000) }), "longer than"],
  ])("and %s is a permanent failure", (_name, action, json, message) => {
    const read = () => readDraft(action, json);
    expect(read).toThrow(PermanentFailure);
    expect(read).toThrow(message);
  });

  test("and a refusal repeats nothing of the content and cannot move a cursor", () => {
    const hostile = {
      url: "SECRET",
      headers: { "\u001b[2J\n": "SECRET" },
      ["SECRET\u001b[2J".repeat(50)]: 1,
    };
    const message = messageOf(() => readDraft("post", JSON.stringify(hostile)));
    expect(message).toContain("write");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(message).not.toMatch(/[\u0000-\u001f]/);
    expect(message.length).toBeLessThan(2_000);
  });
});

describe("content is written", () => {
  test("as JSON", () => {
    expect(writeContent({ a: [1, null] })).toBe('{"a":[1,null]}');
  });

  test.each([
    ["nothing", undefined],
    ["a function", () => 1],
    ["what goes in a circle", circle()],
    ["a number that JSON has not", { a: 1n }],
  ])("and %s is a permanent failure", (_name, content) => {
    expect(() => writeContent(content)).toThrow(PermanentFailure);
  });
});

test("every action has a name of its own", () => {
  const names = actions.map((action) => action.action);
  expect(new Set(names).size).toBe(names.length);
});

function circle(): unknown {
  const a: { b?: unknown } = {};
  a.b = a;
  return a;
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was not refused");
}
