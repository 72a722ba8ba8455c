import { describe, expect, it } from "vitest";
import { route } from "./asked.ts";
import { data, FIGURES, RESPONSE, RESPONSES_USAGE, read, USAGE, wholeEvents } from "./events.ts";

const event = (type: string, said: object) => `event: ${type}\n${data({ type, ...said })}`;
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

const responses = (events: string[]) => read(route("responses").reader({ hidesUsage: false }), events);

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
