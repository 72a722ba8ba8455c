import { expect, it } from "vitest";
import { createAnthropic } from "../../../src/providers/anthropic/anthropic.ts";
import type { ReplyUnusable } from "../../../src/providers/reply-unusable.ts";
import { API_KEY, ask, failure, harness, KINDS, REQUEST } from "../providers.ts";

const KIND = KINDS[2]!;
const MODEL = KIND.model;

const message = (changes: object) =>
  JSON.stringify({
    content: [{ type: "text", text: "text" }],
    stop_reason: "end_turn",
    usage: { input_tokens: 10, output_tokens: 5 },
    ...changes,
  });

it("sends the very body that it was given, with the system message apart", async () => {
  const { server, provider } = await harness(KIND);
  const body = provider.body(MODEL, REQUEST);
  await provider.send(MODEL, body, {
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    lastLook: async () => undefined,
  });
  const [request] = server.requests;
  expect(request?.body).toBe(body);
  expect(request?.headers).toMatchObject({ "x-api-key": API_KEY, "anthropic-version": "2023-06-01" });
  expect(request?.json).toEqual({
    model: MODEL,
    max_tokens: 128,
    temperature: 0,
    system: "You write short summaries.",
    messages: [{ role: "user", content: "Summarise: Grüße aus Köln." }],
    stream: false,
  });
});

it.each([
  ["https://api.anthropic.com", "standard_only"],
  ["https://api.anthropic.com/v1", "standard_only"],
  ["https://api.anthropic.com.evil.example", undefined],
  ["http://127.0.0.1:8080", undefined],
])("asks %s for the tier %s", (baseUrl, tier) => {
  const body = createAnthropic({ name: "anthropic", settings: {}, baseUrl, apiKey: null }).body(
    MODEL,
    REQUEST,
  );
  expect(JSON.parse(body).service_tier).toBe(tier);
});

it("leaves the temperature out for models that refuse one", () => {
  const provider = createAnthropic({
    name: "anthropic",
    settings: {},
    baseUrl: "http://127.0.0.1",
    apiKey: null,
  });
  const takes = (model: string) => "temperature" in JSON.parse(provider.body(model, REQUEST));
  expect(["claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-5", "claude-new-9"].filter(takes)).toEqual([]);
  const others = [
    "claude-3-5-haiku-latest",
    "claude-haiku-4-5",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-6",
    "claude-sonnet-4-20250514",
  ];
  expect(others.filter(takes)).toEqual(others);
});

it("reads text and usage, with all four kinds of tokens", async () => {
  const usage = { inputTokens: 100, cacheReadTokens: 40, cacheWriteTokens: 8, outputTokens: 7 };
  const { provider } = await harness(KIND, { type: "reply", text: "Grüße", usage });
  expect(await ask(provider, MODEL)).toEqual({ text: "Grüße", usage });
});

it("takes a stop sequence for an end, joins blocks of text, and passes over others", async () => {
  const content = [
    { type: "thinking", thinking: "hm" },
    { type: "text", text: "one " },
    { type: "text", text: "two" },
  ];
  const { provider } = await harness(KIND, {
    type: "raw",
    body: message({ content, stop_reason: "stop_sequence" }),
  });
  expect((await ask(provider, MODEL)).text).toBe("one two");
});

it.each([
  ["no usage", { usage: undefined }],
  ["usage without output", { usage: { input_tokens: 10 } }],
  ["a negative count", { usage: { input_tokens: 10, output_tokens: -5 } }],
  ["a count too large to be one", { usage: { input_tokens: 2 ** 60, output_tokens: 5 } }],
])("does not know the cost of a reply with %s", async (_, changes) => {
  const { provider } = await harness(KIND, { type: "raw", body: message(changes) });
  expect((await ask(provider, MODEL)).usage).toEqual({ unknown: expect.any(String) });
});

it("takes a reply for complete that gives no reason to have stopped", async () => {
  const { provider } = await harness(KIND, { type: "raw", body: message({ stop_reason: null }) });
  expect((await ask(provider, MODEL)).text).toBe("text");
});

it("reads a content that is a text, as some bridges send it", async () => {
  const { provider } = await harness(KIND, { type: "raw", body: message({ content: "text" }) });
  expect((await ask(provider, MODEL)).text).toBe("text");
});

it("prices a reply without content by its usage", async () => {
  const { provider } = await harness(KIND, { type: "raw", body: message({ content: null }) });
  const failed = await failure(ask(provider, MODEL));
  expect((failed as ReplyUnusable).usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
});

it("prices a refusal by its usage", async () => {
  const { provider } = await harness(KIND, { type: "raw", body: message({ stop_reason: "refusal" }) });
  const failed = await failure(ask(provider, MODEL));
  expect((failed as ReplyUnusable).usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
  expect(failed.message).toMatch(/"refusal"/);
});

it("takes the address with and without the version", async () => {
  const { server } = await harness(KIND);
  for (const suffix of ["", "/", "/v1", "/v1/"]) {
    await ask(
      createAnthropic({ name: "anthropic", settings: {}, baseUrl: server.url + suffix, apiKey: null }),
      MODEL,
    );
  }
  expect(server.requests.map(({ path }) => path)).toEqual(Array(4).fill("/v1/messages"));
});
