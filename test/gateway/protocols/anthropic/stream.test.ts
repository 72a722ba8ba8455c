import { describe, expect, it } from "vitest";
import { messageFigures, messageReader } from "../../../../src/gateway/protocols/anthropic/stream.ts";
import { costMicros } from "../../../../src/providers/estimate.ts";
import type { Usage } from "../../../../src/providers/types.ts";
import { SONNET } from "../calls.ts";

const event = (type: string, said: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...said })}\n\n`;

const start = (usage: object) =>
  event("message_start", {
    message: { id: "msg_1", type: "message", model: "claude-sonnet-4-6", content: [], usage },
  });
const delta = (usage: object | undefined, stop_reason: string | null = "end_turn") =>
  event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage });
const text = (words: string) =>
  event("content_block_delta", { index: 0, delta: { type: "text_delta", text: words } });
const stop = event("message_stop");

const INPUT = {
  input_tokens: 100,
  cache_read_input_tokens: 40,
  cache_creation_input_tokens: 30,
  cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
  output_tokens: 1,
};

/** Everything that a recorded stream may have: a ping, text that looks like figures, thinking, tools, a wide character. */
const RECORDED = [
  start(INPUT),
  event("ping"),
  event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  text('{"type":"message_stop"} "usage": {"output_tokens": 999} 字'),
  text('\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'),
  event("content_block_stop", { index: 0 }),
  event("content_block_start", {
    index: 1,
    content_block: { type: "tool_use", id: "t", name: "f", input: {} },
  }),
  event("content_block_delta", {
    index: 1,
    delta: { type: "input_json_delta", partial_json: '{"error":"no"}' },
  }),
  event("content_block_stop", { index: 1 }),
  delta({ output_tokens: 57 }, "tool_use"),
  stop,
].join("");

/** Whole events of a stream that ended after so many bytes, as a relay hands them on. */
function wholeEvents(bytes: Buffer): Buffer[] {
  const events: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf("\n\n"); at !== -1; at = bytes.indexOf("\n\n", from)) {
    events.push(bytes.subarray(from, at));
    from = at + 2;
  }
  return events;
}

function read(stream: string | Buffer) {
  const reader = messageReader();
  for (const each of wholeEvents(Buffer.from(stream))) expect(reader.take(each)).toBe("pass");
  const end = reader.end();
  expect(end.isComplete).toBe(reader.isComplete());
  return end;
}

const USAGE: Usage = {
  inputTokens: 100,
  cacheReadTokens: 40,
  cacheWriteTokens: 10,
  cacheWrite1hTokens: 20,
  outputTokens: 57,
};

describe("a stream", () => {
  it("gives the figures of its end over those of its beginning, and the model", () => {
    expect(read(RECORDED)).toEqual({
      isComplete: true,
      figures: USAGE,
      model: "claude-sonnet-4-6",
      error: null,
    });
  });

  it("is complete only with its end, at whatever byte it is cut, and has no figures before they are final", () => {
    const bytes = Buffer.from(RECORDED);
    const beforeStop = bytes.length - Buffer.byteLength(stop);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { isComplete, figures, error } = read(bytes.subarray(0, cut));
      expect([cut, isComplete]).toEqual([cut, cut === bytes.length]);
      expect([cut, "unknown" in figures]).toEqual([cut, cut < beforeStop]);
      expect(error).toBeNull();
    }
  });

  it("reads events without a name, with carriage returns, and in several lines", () => {
    const unnamed = RECORDED.replaceAll(/^event: .*\n/gm, "");
    expect(read(unnamed)).toEqual(read(RECORDED));
    const reader = messageReader();
    for (const each of wholeEvents(Buffer.from(RECORDED)))
      reader.take(
        Buffer.from(each.toString().replaceAll("\n", "\r\n").replace('{"type"', '{\r\ndata: "type"')),
      );
    expect(reader.end()).toEqual(read(RECORDED));
  });

  it("overwrites what a later event counts, keeps what it leaves out, and adds nothing", () => {
    const later = { input_tokens: 500, cache_read_input_tokens: null, output_tokens: 20 };
    const { figures } = read(start(INPUT) + delta({ output_tokens: 9 }, null) + delta(later) + stop);
    expect(figures).toEqual({ ...USAGE, inputTokens: 500, outputTokens: 20 });
  });

  it("takes what later rounds wrote to the cache for the dearer kind, as nothing says which it is", () => {
    const { figures } = read(
      start(INPUT) + delta({ cache_creation_input_tokens: 130, output_tokens: 57 }) + stop,
    );
    expect(figures).toEqual({ ...USAGE, cacheWrite1hTokens: 120 });
  });

  it("does not believe a count of what was written that shrinks", () => {
    const { figures } = read(
      start(INPUT) + delta({ cache_creation_input_tokens: 5, output_tokens: 57 }) + stop,
    );
    expect(figures).toHaveProperty("unknown");
  });

  it.each([
    ["without figures at its end", start(INPUT) + stop, true],
    ["without an output at its end", start(INPUT) + delta({ input_tokens: 9 }) + stop, true],
    ["without a beginning", delta({ output_tokens: 5 }) + stop, true],
    ["with figures that are none", start(INPUT) + delta({ output_tokens: -5 }) + stop, true],
    ["of pings alone", event("ping").repeat(5), false],
    ["of something else", "data: hello\n\n: comment\n\n", false],
  ])("%s has unknown figures", (_, stream, isComplete) => {
    expect(read(stream)).toMatchObject({ isComplete, figures: { unknown: expect.any(String) } });
  });

  it("that ends with an error under status 200 is not complete, and says it in the provider's words", () => {
    const error = event("error", { error: { type: "overloaded_error", message: "Overloaded" } });
    const cut = read(start(INPUT) + text("a") + error);
    expect(cut).toMatchObject({
      isComplete: false,
      error: "Overloaded",
      figures: { unknown: expect.any(String) },
    });
    expect(read(start(INPUT) + error + delta({ output_tokens: 2 }) + stop)).toMatchObject({
      isComplete: false,
      error: "Overloaded",
    });
    expect(read(event("error", {}))).toMatchObject({ isComplete: false, error: expect.any(String) });
  });
});

describe("bills", () => {
  const base = { input_tokens: 1_000, output_tokens: 500 };
  const search = { server_tool_use: { web_search_requests: 3, web_fetch_requests: 2 } };
  const pass = (type: string, changes: object = {}) => ({
    type,
    input_tokens: 1_000,
    output_tokens: 500,
    ...changes,
  });
  it.each<[string, object, number]>([
    ["input and output", base, 1_000 * 3 + 500 * 15],
    ["reads of the cache", { ...base, cache_read_input_tokens: 10_000 }, 10_500 + 10_000 * 0.3],
    ["writes for minutes", { ...base, cache_creation_input_tokens: 10_000 }, 10_500 + 10_000 * 3.75],
    [
      "writes for an hour",
      {
        ...base,
        cache_creation_input_tokens: 10_000,
        cache_creation: { ephemeral_5m_input_tokens: 4_000, ephemeral_1h_input_tokens: 6_000 },
      },
      10_500 + 4_000 * 3.75 + 6_000 * 6,
    ],
    ["searches", { ...base, ...search }, 10_500 + 30_000],
    ["one region", { ...base, inference_geo: "us" }, 11_550],
    ["another speed", { ...base, speed: "fast" }, 63_000],
    ["a summary of the conversation", { ...base, iterations: [pass("compaction"), pass("message")] }, 21_000],
  ])("%s, streamed and whole", (_, usage, micros) => {
    const whole = messageFigures({ type: "message", model: "m", content: [], usage });
    const { output_tokens, iterations, server_tool_use, ...input } = usage as Record<string, unknown>;
    const streamed = read(
      start({ ...input, output_tokens: 1 }) + delta({ output_tokens, iterations, server_tool_use }) + stop,
    );
    expect(streamed.figures).toEqual(whole.figures);
    // Each kind of tokens is rounded up by itself.
    const cost = costMicros(whole.figures as Usage, SONNET);
    expect([Math.ceil(micros), Math.ceil(micros) + 1]).toContain(cost);
  });
});

describe("a whole reply", () => {
  it("says its figures and its model", () => {
    expect(
      messageFigures({ type: "message", model: "m", usage: { input_tokens: 1, output_tokens: 2 } }),
    ).toEqual({
      figures: { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 2 },
      model: "m",
      error: null,
    });
  });

  it.each([null, 7, "text", []])("that is no message has no figures: %j", (said) => {
    expect(messageFigures(said).figures).toHaveProperty("unknown");
  });

  it("that is an error says so", () => {
    const said = { type: "error", error: { type: "api_error", message: "Internal server error" } };
    expect(messageFigures(said)).toMatchObject({
      error: "Internal server error",
      figures: { unknown: expect.any(String) },
    });
  });
});
