import { expect, it } from "vitest";
import { ReplyUnusable } from "../../src/models/reply-unusable.ts";
import { API_KEY, ask, failure, KINDS, REQUEST, rig } from "./providers.ts";

const KIND = KINDS[1]!;
const MODEL = KIND.model;

const completion = (changes: object) =>
  JSON.stringify({
    choices: [{ message: { role: "assistant", content: "text" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5 },
    ...changes,
  });

it("sends the very body that it was given, for one bounded reply", async () => {
  const { server, provider } = await rig(KIND);
  const body = provider.body(MODEL, REQUEST);
  await provider.send(body, {
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
    max_completion_tokens: 128,
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
  const { provider } = await rig(KIND, { type: "reply", text: "Grüße", usage });
  expect(await ask(provider, MODEL)).toEqual({ text: "Grüße", usage });
});

it.each([
  ["no usage", { usage: undefined }],
  ["usage that is null", { usage: null }],
  ["a negative count", { usage: { prompt_tokens: -1, completion_tokens: 5 } }],
  ["a fraction of a token", { usage: { prompt_tokens: 1.5, completion_tokens: 5 } }],
  [
    "more cached tokens than there are",
    { usage: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 11 } } },
  ],
  ["no choice", { choices: [] }],
  ["a choice without an ending", { choices: [{ message: { content: "text" } }] }],
])("does not know the cost of a reply with %s", async (_, changes) => {
  const { provider } = await rig(KIND, { type: "raw", body: completion(changes) });
  const failed = await failure(ask(provider, MODEL));
  expect(failed).toMatchObject({ charge: "unknown", trip: "count" });
  expect(failed).not.toBeInstanceOf(ReplyUnusable);
});

it("does not know the cost when the server leaves usage out", async () => {
  const { provider } = await rig(KIND, { type: "missingUsage" });
  expect((await failure(ask(provider, MODEL))).message).toMatch(/not a chat completion with usage/);
});

it.each([
  ["withheld", { content: "text" }, "content_filter", /content_filter/],
  ["a refusal without text", { content: null, refusal: "No." }, "stop", /empty reply/],
])("prices a reply that is %s by its usage", async (_, message, finish_reason, text) => {
  const { provider } = await rig(KIND, {
    type: "raw",
    body: completion({ choices: [{ message, finish_reason }] }),
  });
  const failed = await failure(ask(provider, MODEL));
  expect(failed).toBeInstanceOf(ReplyUnusable);
  expect((failed as ReplyUnusable).usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
  expect(failed.message).toMatch(text);
});

it("keeps a path and a query of the address", async () => {
  const { server } = await rig(KIND);
  const provider = KIND.create({ baseUrl: `${server.url}/gateway/?key=k-1234`, apiKey: null });
  const failed = await failure(ask(provider, MODEL));
  expect(server.requests[0]?.path).toBe("/gateway/chat/completions?key=k-1234");
  expect(failed.message).not.toMatch(/k-1234/);
});
