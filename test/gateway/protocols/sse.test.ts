import { describe, expect, it } from "vitest";
import { keyTest, parseSse } from "../../../src/gateway/protocols/sse.ts";

const parse = (text: string) => parseSse(Buffer.from(text));

describe("one event of a stream", () => {
  it.each([
    ["data alone", 'data: {"a":1}\n', null, '{"a":1}'],
    ["a name and data", "event: ping\ndata: {}", "ping", "{}"],
    ["no space after the colon", "event:ping\ndata:x", "ping", "x"],
    ["one space of two", "data:  x", null, " x"],
    ["several lines of data", "data: a\ndata: b\ndata", null, "a\nb\n"],
    ["line ends of others", "event: a\r\ndata: b\r\n", "a", "b"],
    ["old line ends", "event: a\rdata: b\r", "a", "b"],
    ["a comment", ": OPENROUTER PROCESSING", null, null],
    ["a comment beside data", ": ping\ndata: x", null, "x"],
    ["fields that nobody reads", "id: 7\nretry: 100\ndata: x", null, "x"],
    ["colons in its data", "data: a: b", null, "a: b"],
    ["nothing", "", null, null],
    ["a byte that is no text", "data: \xff", null, "\xff"],
  ])("has %s", (_name, text, event, data) => {
    expect(parse(text)).toEqual({ event, data });
  });
});

describe("whether an event may have a key", () => {
  const hasUsage = (text: string) => keyTest("usage")(Buffer.from(text));

  it.each([
    ['{"usage":{"total_tokens":1}}', true],
    ['{"usage" : {}}', true],
    ['{"usage":null}', false],
    ['{"usage": null }', false],
    ['{"usage"\n:\tnull}', false],
    ['{"usage":null,"x":{"usage":{}}}', true],
    ['{"usage":"null"}', true],
    ['{"usage":', true],
    ['{"content":"usage"}', false],
    ['{"content":"\\"usage\\": {}"}', false],
    ['{"usages":{}}', false],
    ['{"my_usage":{}}', false],
    ["", false],
  ])("%s: %s", (text, has) => {
    expect(hasUsage(text)).toBe(has);
  });
});
