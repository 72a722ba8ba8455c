import { describe, expect, it } from "vitest";
import type { StreamReader } from "../../../../src/gateway/protocols/protocol.ts";
import { route } from "./asked.ts";

const CHUNK = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-5.5-2026-04-23",
  service_tier: "default",
};
const data = (said: unknown) => `data: ${JSON.stringify(said)}`;
const chunk = (delta: object, finish_reason: string | null = null, more: object = { usage: null }) =>
  data({ ...CHUNK, choices: [{ index: 0, delta, finish_reason }], ...more });
const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
  completion_tokens_details: { reasoning_tokens: 5 },
};
const FIGURES = { inputTokens: 50, cacheReadTokens: 40, cacheWriteTokens: 10, outputTokens: 20 };
const LAST = data({ ...CHUNK, choices: [], usage: USAGE });
const DONE = "data: [DONE]";
const CHAT = [
  ": OPENROUTER PROCESSING",
  chunk({ role: "assistant", content: "" }),
  chunk({ content: 'héllo "usage": {"prompt_tokens": 1} [DONE]' }),
  chunk({ content: "usage" }),
  chunk({ content: "error" }),
  chunk({}, "stop"),
  LAST,
  DONE,
];

const RESPONSE = {
  id: "resp_1",
  object: "response",
  model: "gpt-5.5-2026-04-23",
  status: "completed",
  service_tier: "default",
  error: null,
};
const event = (type: string, said: object) => `event: ${type}\n${data({ type, ...said })}`;
const RESPONSES_USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};
const SEARCH = {
  type: "web_search_call",
  id: "ws_1",
  status: "completed",
  action: { type: "search", query: "a" },
};
const ended = (status: string, more: object = {}) =>
  event(`response.${status}`, {
    response: { ...RESPONSE, status, output: [], usage: RESPONSES_USAGE, ...more },
  });
const RESPONSES = [
  event("response.created", { response: { ...RESPONSE, status: "in_progress", usage: null } }),
  event("response.output_text.delta", { delta: 'héllo "response.completed"', obfuscation: "abc" }),
  event("response.output_text.delta", { delta: "response" }),
  ended("completed"),
];

/** What a reader makes of whole events. */
function read(reader: StreamReader, events: string[]) {
  const passed = events.filter((each) => reader.take(Buffer.from(each)) === "pass");
  expect(reader.isComplete()).toBe(reader.end().isComplete);
  return { ...reader.end(), passed };
}
const chat = (events: string[], hidesUsage = false) =>
  read(route("chat/completions").reader({ hidesUsage }), events);
const responses = (events: string[]) => read(route("responses").reader({ hidesUsage: false }), events);

/** The whole events of a stream that was cut; what comes after the last empty line is none. */
const wholeEvents = (bytes: Buffer) =>
  bytes
    .toString("latin1")
    .split("\n\n")
    .slice(0, -1)
    .map((each) => Buffer.from(each, "latin1"));

describe("a streamed chat", () => {
  it("has its figures in the chunk after the one that finishes, and ends with [DONE]", () => {
    expect(chat(CHAT)).toEqual({
      isComplete: true,
      figures: FIGURES,
      model: CHUNK.model,
      error: null,
      passed: CHAT,
    });
  });

  it("keeps the extra chunk from a client that did not ask for it, and every other byte as it came", () => {
    expect(chat(CHAT, true)).toMatchObject({
      figures: FIGURES,
      passed: CHAT.filter((each) => each !== LAST),
    });
  });

  it("hands on figures that are part of a chunk with text", () => {
    const last = chunk({ content: "." }, "stop", { usage: USAGE });
    expect(chat([last, DONE], true)).toMatchObject({ figures: FIGURES, passed: [last, DONE] });
  });

  it("hands on chunks without choices that have no figures", () => {
    const filters = data({ ...CHUNK, choices: [], prompt_filter_results: [] });
    expect(chat([filters, DONE], true).passed).toEqual([filters, DONE]);
  });

  it("says of a stream without figures that they are not known", () => {
    const said = chat(CHAT.filter((each) => each !== LAST));
    expect(said.isComplete).toBe(true);
    expect(said.figures).toHaveProperty("unknown");
  });

  it("is cut at every byte: complete only with its end, known only with its figures", () => {
    const bytes = Buffer.from(`${CHAT.join("\n\n")}\n\n`);
    const end = bytes.length;
    const figures = bytes.indexOf(LAST) + Buffer.byteLength(LAST) + 2;
    for (let at = 0; at <= end; at += 1) {
      const reader = route("chat/completions").reader({ hidesUsage: true });
      for (const each of wholeEvents(bytes.subarray(0, at))) reader.take(each);
      const said = reader.end();
      expect(said.isComplete, `cut at ${at}`).toBe(at === end);
      expect("unknown" in said.figures, `cut at ${at}`).toBe(at < figures);
      expect(said.error).toBeNull();
    }
  });

  it.each([
    ["OpenAI's", { error: { message: "The server had an error", type: "server_error" } }],
    [
      "OpenRouter's, beside choices",
      {
        ...CHUNK,
        error: { code: 502, message: "The server had an error" },
        choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
      },
    ],
    ["vLLM's", { object: "error", message: "The server had an error", code: 500 }],
    ["a text alone", { error: "The server had an error" }],
  ])("ends with an error under status 200: %s", (_name, said) => {
    const cut = chat([CHAT[1]!, data(said)]);
    expect(cut).toMatchObject({ isComplete: true, error: "The server had an error" });
    expect(cut.figures).toHaveProperty("unknown");
  });

  it("takes an error without words for one too", () => {
    expect(chat([data({ error: {} })])).toMatchObject({ isComplete: true, error: "an error without words" });
    expect(chat([data({ ...CHUNK, error: null, choices: [] })])).toMatchObject({
      isComplete: false,
      error: null,
    });
  });

  it("believes figures that grow, and none that shrink", () => {
    const counted = (completion_tokens: number) =>
      chunk({ content: "a" }, null, { usage: { prompt_tokens: 9, completion_tokens } });
    expect(chat([counted(1), counted(2), counted(3), DONE]).figures).toMatchObject({
      inputTokens: 9,
      outputTokens: 3,
    });
    expect(chat([counted(1), counted(9), counted(3), DONE]).figures).toHaveProperty("unknown");
    expect(chat([counted(9), counted(3), counted(9), DONE]).figures).toHaveProperty("unknown");
  });

  it.each([
    ["negative", { ...USAGE, completion_tokens: -20 }],
    ["huge", { ...USAGE, completion_tokens: 1e18, total_tokens: 2e18 }],
    ["no number", { ...USAGE, prompt_tokens: "100" }],
    ["more cached than read", { ...USAGE, prompt_tokens_details: { cached_tokens: 101 } }],
  ])("does not believe figures that are %s", (_name, usage) => {
    expect(chat([data({ ...CHUNK, choices: [], usage }), DONE]).figures).toHaveProperty("unknown");
  });

  it("tells the tier that served it", () => {
    const last = data({ ...CHUNK, service_tier: "priority", choices: [], usage: USAGE });
    expect(chat([last, DONE]).figures).toEqual({ ...FIGURES, tier: "priority" });
  });

  it("counts the search of models that always search", () => {
    const last = data({ ...CHUNK, model: "gpt-4o-search-preview-2025-03-11", choices: [], usage: USAGE });
    expect(chat([last, DONE]).figures).toEqual({ ...FIGURES, tools: { web_search: 1 } });
  });

  it.each(["data: {", "data: 1", "data: null", "event: ping", "", "data: [DONE", 'data: "usage"'])(
    "passes what is no chunk: %s",
    (odd) => {
      expect(chat([odd, ...CHAT])).toMatchObject({ isComplete: true, figures: FIGURES });
    },
  );

  it.each(["data: [DONE]", "data:[DONE]", "event: done\ndata: [DONE]", "data: [DONE]\r\n", "data: [DONE] "])(
    "ends with %j",
    (done) => {
      expect(chat([done]).isComplete).toBe(true);
    },
  );

  it("does not parse chunks that have no figures", () => {
    const reader = route("chat/completions").reader({ hidesUsage: true });
    reader.take(Buffer.from(CHAT[1]!));
    const parse = JSON.parse;
    let parsed = 0;
    JSON.parse = (text: string) => {
      parsed += 1;
      return parse(text) as unknown;
    };
    try {
      const plain = Buffer.from(chunk({ content: "a" }));
      for (let count = 0; count < 100; count += 1) reader.take(plain);
    } finally {
      JSON.parse = parse;
    }
    expect(parsed).toBe(0);
  });
});

describe("a streamed response", () => {
  it("has its figures in the event that ends it", () => {
    expect(responses(RESPONSES)).toEqual({
      isComplete: true,
      figures: FIGURES,
      model: RESPONSE.model,
      error: null,
      passed: RESPONSES,
    });
  });

  it("is cut at every byte: complete only with its end, known only with its figures", () => {
    const bytes = Buffer.from(`${RESPONSES.join("\n\n")}\n\n`);
    for (let at = 0; at <= bytes.length; at += 1) {
      const reader = route("responses").reader({ hidesUsage: false });
      for (const each of wholeEvents(bytes.subarray(0, at))) reader.take(each);
      const said = reader.end();
      expect(said.isComplete, `cut at ${at}`).toBe(at === bytes.length);
      expect("unknown" in said.figures, `cut at ${at}`).toBe(at < bytes.length);
    }
  });

  it("is complete when it is cut short by its limit", () => {
    expect(responses([ended("incomplete")])).toMatchObject({
      isComplete: true,
      figures: FIGURES,
      error: null,
    });
  });

  it("fails with its own words, and what it says of its cost", () => {
    const error = { code: "server_error", message: "It broke" };
    expect(responses([ended("failed", { error })])).toMatchObject({
      isComplete: true,
      figures: FIGURES,
      error: "It broke",
    });
    expect(responses([ended("failed", { error, usage: null })]).figures).toHaveProperty("unknown");
  });

  it.each([
    [
      "of the protocol",
      event("error", { code: "server_error", message: "It broke", param: null, sequence_number: 3 }),
    ],
    ["of a proxy", data({ error: { message: "It broke" } })],
    ["of a proxy, as a text", data({ error: "It broke" })],
  ])("ends with an error event %s", (_name, error) => {
    const said = responses([RESPONSES[0]!, error]);
    expect(said).toMatchObject({ isComplete: true, error: "It broke" });
    expect(said.figures).toHaveProperty("unknown");
  });

  it("counts tools that ran at the provider", () => {
    const open = { ...SEARCH, action: { type: "open_page" } };
    expect(responses([ended("completed", { output: [SEARCH, open, SEARCH] })]).figures).toEqual({
      ...FIGURES,
      tools: { web_search: 2 },
    });
  });

  it("needs no names of events", () => {
    const unnamed = RESPONSES.map((each) => each.replace(/^event:.*\n/, ""));
    expect(responses(unnamed)).toMatchObject({ isComplete: true, figures: FIGURES });
  });
});

describe("whole replies", () => {
  it.each([
    ["chat/completions", { object: "chat.completion", model: "m", choices: [], usage: USAGE }],
    ["completions", { object: "text_completion", model: "m", choices: [], usage: USAGE }],
    ["responses", { ...RESPONSE, model: "m", usage: RESPONSES_USAGE }],
  ])("of %s have their figures at the top", (path, said) => {
    expect(route(path).figures(said)).toEqual({ figures: FIGURES, model: "m", error: null });
  });

  it("of embeddings have no output", () => {
    const said = { object: "list", data: [], model: "e", usage: { prompt_tokens: 8, total_tokens: 8 } };
    expect(route("embeddings").figures(said)).toMatchObject({
      figures: { inputTokens: 8, outputTokens: 0 },
      model: "e",
    });
  });

  it.each(["chat/completions", "completions", "embeddings", "responses"])("of %s may be anything", (path) => {
    for (const said of [null, 7, "x", [], {}, { usage: [] }, { usage: 7 }, { model: 7, usage: null }]) {
      expect(route(path).figures(said)).toMatchObject({
        figures: { unknown: expect.any(String) },
        model: null,
      });
    }
  });

  it("of failures under status 200 have the provider's words", () => {
    expect(route("chat/completions").figures({ error: { message: "no" } }).error).toBe("no");
    expect(
      route("responses").figures({ ...RESPONSE, status: "failed", error: { code: "x", message: "no" } })
        .error,
    ).toBe("no");
  });
});
