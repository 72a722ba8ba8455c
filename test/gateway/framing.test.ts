import { describe, expect, it } from "vitest";
import { EventTooLong, Framer, type Framing } from "../../src/gateway/framing.ts";

const STREAMS: [name: string, framing: Framing, text: string, events: string[]][] = [
  ["lines", "ndjson", '{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']],
  ["events", "sse", "data: a\n\nevent: b\ndata: ü\n\n: ping\n\n", ["data: a", "event: b\ndata: ü", ": ping"]],
  ["events with CRLF", "sse", "data: a\r\n\r\ndata: b\r\n\r\n", ["data: a", "data: b"]],
];

/** What goes in in two pieces comes out whole, wherever it is cut. */
describe("a stream that comes in pieces", () => {
  it.each(STREAMS)("is cut into whole %s", (_, framing, text, events) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at <= bytes.byteLength; at += 1) {
      const seen: string[] = [];
      const framer = new Framer(framing, (event) => {
        seen.push(event.toString());
        return "pass";
      });
      const out = [
        ...framer.push(bytes.subarray(0, at)),
        ...framer.push(bytes.subarray(at)),
        ...framer.flush(),
      ];
      expect(Buffer.concat(out).toString()).toBe(text);
      expect(seen).toEqual(events);
    }
  });

  it.each(STREAMS)("is cut into whole %s byte by byte", (_, framing, text, events) => {
    const seen: string[] = [];
    const framer = new Framer(framing, (event) => {
      seen.push(event.toString());
      return "pass";
    });
    const out = [...Buffer.from(text)].flatMap((byte) => framer.push(Buffer.from([byte])));
    expect(Buffer.concat(out).toString()).toBe(text);
    expect(seen).toEqual(events);
  });

  it("hands on nothing of an event that never ended", () => {
    const framer = new Framer("sse", () => "pass");
    expect(Buffer.concat(framer.push(Buffer.from("data: a\n\ndata: b\ndata"))).toString()).toBe(
      "data: a\n\n",
    );
  });

  it("leaves out what is to be hidden, and nothing else", () => {
    const framer = new Framer("sse", (event) => (event.includes("secret") ? "hide" : "pass"));
    const out = framer.push(Buffer.from("data: a\n\ndata: secret\n\ndata: b\n\ndata: c\n\n"));
    expect(Buffer.concat(out).toString()).toBe("data: a\n\ndata: b\n\ndata: c\n\n");
  });

  it("is given up at an event without end, in bounded memory", () => {
    const framer = new Framer("sse", () => "pass");
    const piece = Buffer.alloc(1024 * 1024, "x");
    expect(() => {
      for (let at = 0; at < 64; at += 1) framer.push(piece);
    }).toThrow(EventTooLong);
  });
});
