import { expect, it } from "vitest";
import { createOpenai } from "../../../src/providers/openai/openai.ts";
import { ReplyUnusable } from "../../../src/providers/reply-unusable.ts";
import type { ProviderOptions, TokenLimit } from "../../../src/providers/types.ts";
import { API_KEY, ask, failure, harness, KINDS, REQUEST } from "../providers.ts";

const KIND = KINDS[1]!;
const MODEL = KIND.model;

const completion = (changes: object) =>
  JSON.stringify({
    choices: [{ message: { role: "assistant", content: "text" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5 },
    ...changes,
  });

it("sends the very body that it was given, for one bounded reply", async () => {
  const { server, provider } = await harness(KIND);
  const body = provider.body(MODEL, REQUEST);
  await provider.send(MODEL, body, {
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    lastLook: async () => undefined,
  });
  const [request] = server.requests;
  expect(request?.body).toBe(body);
  expect(request?.headers.authorization).toBe(`Bearer ${API_KEY}`);
  expect(request?.json).toEqual({
    model: MODEL,
    messages: REQUEST.messages,
    max_tokens: 128,
    temperature: 0,
    n: 1,
    stream: false,
  });
});

it("leaves the temperature out for models that have but one", () => {
  const provider = KIND.create({ baseUrl: "http://127.0.0.1", apiKey: null });
  const takes = (model: string) => "temperature" in JSON.parse(provider.body(model, REQUEST));
  expect(["o3-mini", "gpt-5", "gpt-5.4-nano", "gpt-6-luna", "gpt-10"].filter(takes)).toEqual([]);
  const others = ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "llama-3.3-70b", "olmo-2"];
  expect(others.filter(takes)).toEqual(others);
});

it("reads text and usage, with the cached tokens taken out of the input", async () => {
  const usage = { inputTokens: 100, cacheReadTokens: 40, cacheWriteTokens: 8, outputTokens: 7 };
  const { provider } = await harness(KIND, { type: "reply", text: "Grüße", usage });
  expect(await ask(provider, MODEL)).toEqual({ text: "Grüße", usage });
});

it.each([
  ["no usage", { usage: undefined }],
  ["usage that is null", { usage: null }],
])("does not know the cost of a reply with %s", async (_, changes) => {
  const { provider } = await harness(KIND, { type: "raw", body: completion(changes) });
  expect((await ask(provider, MODEL)).usage).toMatchObject({ unknown: expect.any(String) });
});

it.each(["default", "standard", "on_demand", null, undefined])(
  "prices a reply of the tier %j as listed",
  async (service_tier) => {
    const { provider } = await harness(KIND, { type: "raw", body: completion({ service_tier }) });
    const { usage } = await ask(provider, MODEL);
    expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
    expect(usage).not.toHaveProperty("tier");
  },
);

it("names the tier of other prices that a reply was served in", async () => {
  const { provider } = await harness(KIND, { type: "raw", body: completion({ service_tier: "priority" }) });
  expect((await ask(provider, MODEL)).usage).toMatchObject({ inputTokens: 10, tier: "priority" });
});

it.each<[string, object, string]>([
  ["a word of its own for the end", { finish_reason: "eos" }, "text"],
  ["Claude's word", { finish_reason: "end_turn" }, "text"],
  ["capitals", { finish_reason: "STOP" }, "text"],
  ["null for the end", { finish_reason: null }, "text"],
  ["no end", { finish_reason: undefined }, "text"],
  ["a number for the end", { finish_reason: 1 }, "text"],
  ["calls of tools nobody offered", { finish_reason: "tool_calls" }, "text"],
  [
    "parts",
    {
      message: {
        content: [
          { type: "text", text: "te" },
          { type: "text", text: "xt" },
        ],
      },
    },
    "text",
  ],
  [
    "parts of reasoning and references",
    {
      message: {
        content: [
          { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
          { type: "reference", reference_ids: [1] },
          { type: "text", text: "text" },
          { type: "text", text: 7 },
          null,
          "no part",
        ],
      },
    },
    "text",
  ],
  [
    "reasoning in a field of its own",
    { message: { content: "text", reasoning_content: "Hm.", reasoning: "Hm.", thinking: "Hm." } },
    "text",
  ],
  ["reasoning in the text", { message: { content: "<think>Hm.</think>\n\ntext" } }, "text"],
])("takes a reply with %s for an answer", async (_, changes, text) => {
  const choice = { message: { role: "assistant", content: "text" }, finish_reason: "stop", ...changes };
  const { provider } = await harness(KIND, { type: "raw", body: completion({ choices: [choice] }) });
  expect(await ask(provider, MODEL)).toMatchObject({ text, usage: { inputTokens: 10, outputTokens: 5 } });
});

it.each([
  ["no choice", { choices: [] }],
  ["no choices", { choices: undefined }],
  ["no message", { choices: [{ finish_reason: "stop" }] }],
  ["an error beside its usage", { error: { message: "the model ran out of memory" } }],
  ["an error instead of an end", { choices: [{ message: { content: "te" }, finish_reason: "error" }] }],
  ["an answer broken off", { choices: [{ message: { content: "te" }, finish_reason: "abort" }] }],
  [
    "tool calls alone",
    { choices: [{ message: { content: null, tool_calls: [{}] }, finish_reason: "stop" }] },
  ],
  ["reasoning alone", { choices: [{ message: { content: "<think>Hm." }, finish_reason: "stop" }] }],
])("prices a reply with %s by its usage", async (_, changes) => {
  const { provider } = await harness(KIND, { type: "raw", body: completion(changes) });
  const failed = await failure(ask(provider, MODEL));
  expect((failed as ReplyUnusable).usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
});

it.each(["length", "max_tokens", "model_length"])(
  "uses the whole sentences of a reply that ended with %s, and marks it",
  async (finish_reason) => {
    const message = { content: "<think>Hm.</think>The harbour opens. Boats may" };
    const { provider } = await harness(KIND, {
      type: "raw",
      body: completion({ choices: [{ message, finish_reason }] }),
    });
    expect(await ask(provider, MODEL)).toMatchObject({ text: "The harbour opens.", truncated: true });
  },
);

const sentTo = (baseUrl: string, more: Partial<ProviderOptions> = {}) =>
  JSON.parse(
    createOpenai({ name: "openai", settings: {}, baseUrl, apiKey: null, ...more }).body(MODEL, REQUEST),
  );

it.each(["https://api.openai.com/v1", "https://API.OPENAI.COM:443/v1/", "https://eu.api.openai.com/v1"])(
  "asks %s, which is OpenAI itself, for its default tier, in its newer words",
  (baseUrl) => {
    expect(sentTo(baseUrl)).toMatchObject({ max_completion_tokens: 128, service_tier: "default" });
    expect(sentTo(baseUrl)).not.toHaveProperty("max_tokens");
  },
);

it.each([
  "http://api.openai.com/v1",
  "https://api.openai.com:8443/v1",
  "https://api.openai.com./v1",
  "https://api.openai.com.evil.example/v1",
  "https://my.openai.azure.com/openai/v1",
  "http://127.0.0.1:8000/v1",
])("asks %s in words that every server knows", (baseUrl) => {
  expect(sentTo(baseUrl)).toMatchObject({ max_tokens: 128 });
  expect(sentTo(baseUrl)).not.toHaveProperty("max_completion_tokens");
  expect(sentTo(baseUrl)).not.toHaveProperty("service_tier");
});

it.each(["https://api.openai.com/v1", "http://127.0.0.1:8000/v1"])(
  "bounds the reply at %s as the owner says",
  (baseUrl) => {
    const limits = (token_limit: TokenLimit) => {
      const { max_tokens, max_completion_tokens } = sentTo(baseUrl, { settings: { token_limit } });
      return [max_tokens, max_completion_tokens];
    };
    expect(limits("max_tokens")).toEqual([128, undefined]);
    expect(limits("max_completion_tokens")).toEqual([undefined, 128]);
    expect(limits("both")).toEqual([128, 128]);
  },
);

it("repeats a strict server's own words", async () => {
  const detail = [{ type: "extra_forbidden", loc: ["body", "n"], msg: "Extra inputs are not permitted" }];
  const body = JSON.stringify({ object: "error", message: { detail }, type: "invalid_request_error" });
  const { provider } = await harness(KIND, { type: "raw", status: 422, body });
  expect((await failure(ask(provider, MODEL))).message).toContain(
    "answered 422: body.n: Extra inputs are not permitted.",
  );
});

it.each([
  ["withheld", { content: "text" }, "content_filter", /content_filter/],
  ["a refusal without text", { content: null, refusal: "No." }, "stop", /empty reply/],
])("prices a reply that is %s by its usage", async (_, message, finish_reason, text) => {
  const { provider } = await harness(KIND, {
    type: "raw",
    body: completion({ choices: [{ message, finish_reason }] }),
  });
  const failed = await failure(ask(provider, MODEL));
  expect(failed).toBeInstanceOf(ReplyUnusable);
  expect((failed as ReplyUnusable).usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
  expect(failed.message).toMatch(text);
});

it("keeps a path and a query of the address", async () => {
  const { server } = await harness(KIND);
  const provider = KIND.create({ baseUrl: `${server.url}/gateway/?key=k-1234`, apiKey: null });
  const failed = await failure(ask(provider, MODEL));
  expect(server.requests[0]?.path).toBe("/gateway/chat/completions?key=k-1234");
  expect(failed.message).not.toMatch(/k-1234/);
});

it.each([
  ["groq", "https://api.groq.com/openai/v1", "max_completion_tokens"],
  ["work", "https://api.x.ai/v1", "max_completion_tokens"],
  ["azure", "https://me.openai.azure.com/openai/v1", "max_completion_tokens"],
  ["deepseek", "https://api.deepseek.com", "max_tokens"],
  ["mistral", "https://proxy.example/v1", "max_tokens"],
])("bounds the reply of %s at %s by %s", (name, baseUrl, field) => {
  expect(sentTo(baseUrl, { name })).toMatchObject({ [field]: 128 });
  expect(sentTo(baseUrl, { name })).not.toHaveProperty("service_tier");
});

it("keeps OpenRouter to servers at the price that the estimate is made from", () => {
  const price = { input: 3, output: 15, cacheRead: 3, cacheWrite: 3 };
  const max_price = { prompt: 3, completion: 15 };
  expect(sentTo("https://openrouter.ai/api/v1", { price })).toMatchObject({ provider: { max_price } });
  expect(sentTo("https://api.x.ai/v1", { price })).not.toHaveProperty("provider");
});
