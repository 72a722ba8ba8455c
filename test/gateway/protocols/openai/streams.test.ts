import { describe, expect, it } from "vitest";
import { route } from "./asked.ts";
import { data, FIGURES, read, USAGE, wholeEvents } from "./events.ts";

const CHUNK = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-5.5-2026-04-23",
  service_tier: "default",
};
const chunk = (delta: object, finish_reason: string | null = null, more: object = { usage: null }) =>
  data({ ...CHUNK, choices: [{ index: 0, delta, finish_reason }], ...more });
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

const chat = (events: string[], hidesUsage = false) =>
  read(route("chat/completions").reader({ hidesUsage }), events);

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
