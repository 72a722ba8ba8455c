import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { Behaviour } from "../../../src/faults/model-answers.ts";
import { startModelEndpoint } from "../../../src/faults/model-endpoint.ts";
import { createOllama } from "../../../src/providers/ollama/ollama.ts";
import type { ProviderOptions } from "../../../src/providers/types.ts";
import { ask, failure, harness, KINDS, REQUEST } from "../providers.ts";

const KIND = KINDS[0]!;
const MODEL = KIND.model;

it("sends the very body that it was given, streamed, with a bound on the reply", async () => {
  const { server, provider } = await harness(KIND);
  const body = provider.body(MODEL, REQUEST);
  await provider.send(MODEL, body, {
    signal: new AbortController().signal,
    timeoutMs: 10_000,
    lastLook: async () => undefined,
  });
  const [request] = server.requests;
  expect(request?.body).toBe(body);
  expect(request?.json).toEqual({
    model: MODEL,
    messages: REQUEST.messages,
    stream: true,
    options: { num_ctx: 4096, num_predict: 128, temperature: 0 },
  });
});

it("puts the pieces of a streamed reply together, with its usage", async () => {
  const text = "Grüße aus Köln: 東京 ist weit. 🙂";
  const { server, provider } = await harness(KIND, { type: "slow", text, gate: async () => {} });
  const reply = await ask(provider, MODEL);
  expect(reply.text).toBe(text);
  expect(reply.usage).toMatchObject({
    inputTokens: Math.ceil(Buffer.byteLength(server.requests[0]!.body) / 4),
    outputTokens: Math.ceil(Buffer.byteLength(text) / 4),
  });
});

it("reads a character that two pieces share, and a last line without its end", async () => {
  const whole = `{"message":{"content":"Köln"},"done":false}\n\n{"done":true}`;
  const { provider } = await harness(KIND, { type: "raw", body: Buffer.from(whole) });
  expect(await ask(provider, MODEL)).toEqual({
    text: "Köln",
    usage: { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 },
  });
});

it("takes null for what is left out", async () => {
  const lines = [
    '{"message":null,"done":false}',
    '{"message":{"content":null,"thinking":"Hm."},"done":false,"done_reason":null}',
    '{"message":{"content":"Köln"},"done":true,"done_reason":null,"eval_count":null}',
  ];
  const { provider } = await harness(KIND, { type: "raw", body: lines.join("\n") });
  expect(await ask(provider, MODEL)).toMatchObject({ text: "Köln", usage: { outputTokens: 0 } });
});

it("takes a count that is left out for 0", async () => {
  const { provider } = await harness(KIND, { type: "reply", usage: { inputTokens: 0 } });
  const { usage } = await ask(provider, MODEL);
  expect(usage).toMatchObject({ inputTokens: 0, outputTokens: expect.any(Number) });
});

it.each([-1, 1.5, 1e300, "12"])("refuses %j as a count", async (count) => {
  const line = { message: { content: "text" }, done: true, done_reason: "stop", eval_count: count };
  const { provider } = await harness(KIND, { type: "raw", body: JSON.stringify(line) });
  expect(await ask(provider, MODEL)).toEqual({ text: "text", usage: { unknown: expect.any(String) } });
});

it("refuses the whole reply when an error comes after the first words", async () => {
  const body =
    '{"message":{"content":"The"},"done":false}\n{"error":"llama runner process has terminated"}\n';
  const { provider } = await harness(KIND, { type: "raw", body });
  expect((await failure(ask(provider, MODEL))).message).toMatch(/runner process has terminated/);
});

it("says how to get a model that is not there", async () => {
  const missing: Behaviour = { type: "error", status: 404, message: `model '${MODEL}' not found` };
  const { provider } = await harness(KIND, missing);
  expect((await failure(ask(provider, MODEL))).message).toContain("Run `ollama pull qwen2.5:3b`.");
});

it("says where the address is set when something else answers there", async () => {
  const { server } = await harness(KIND);
  const provider = createOllama({
    name: "ollama",
    settings: {},
    baseUrl: `${server.url}/wrong/`,
    apiKey: null,
  });
  const failed = await failure(ask(provider, MODEL));
  expect(failed.message).toMatch(/models\.providers\.ollama\.base_url/);
  expect(failed.message).not.toMatch(/ollama pull/);
});

it("gives a long request room, in powers of two and up to 32,768 tokens", () => {
  const provider = createOllama({
    name: "ollama",
    settings: {},
    baseUrl: "http://127.0.0.1:11434",
    apiKey: null,
  });
  const context = (chars: number) => {
    const messages = [{ role: "user" as const, content: "x".repeat(chars) }];
    return JSON.parse(provider.body(MODEL, { ...REQUEST, messages })).options.num_ctx;
  };
  expect([100, 7_000, 8_000, 30_000, 60_000, 1_000_000].map(context)).toEqual([
    4096, 4096, 8192, 16384, 32768, 32768,
  ]);
});

const facing = async (facts: Record<string, unknown> | undefined, more: Partial<ProviderOptions> = {}) => {
  const server = await startModelEndpoint("ollama", facts === undefined ? {} : { facts });
  onTestFinished(() => server.close());
  return {
    server,
    provider: createOllama({ name: "ollama", settings: {}, baseUrl: server.url, apiKey: null, ...more }),
  };
};

it("asks a model that reasons not to, having looked once whether it does", async () => {
  const { server, provider } = await facing({ capabilities: ["completion", "tools", "thinking"] });
  await ask(provider, MODEL);
  await ask(provider, MODEL);
  expect(server.shown.map(({ json }) => json)).toEqual([{ model: MODEL }]);
  expect(server.requests.map(({ json }) => json.think)).toEqual([false, false]);
  const { think, ...rest } = server.requests[0]!.json;
  expect(rest).toEqual(JSON.parse(provider.body(MODEL, REQUEST)));
  expect(Buffer.byteLength(server.requests[0]!.body) - Buffer.byteLength(provider.body(MODEL, REQUEST))).toBe(
    14,
  );
});

it.each([
  ["other capabilities", { capabilities: ["completion"] }],
  ["no capabilities", { license: "MIT" }],
  ["capabilities that are no list", { capabilities: "thinking" }],
  ["no answer to the question, which is asked again", undefined],
])("says nothing of reasoning to a model with %s", async (_, facts) => {
  const { server, provider } = await facing(facts);
  await ask(provider, MODEL);
  await ask(provider, MODEL);
  // What a server has not said may be otherwise the next time: the model may have been fetched since.
  expect(server.shown).toHaveLength(facts === undefined ? 2 : 1);
  expect(server.requests.map(({ json }) => "think" in json)).toEqual([false, false]);
});

it("asks a model not to reason once its reply was nothing else, whatever the server says of it", async () => {
  const { server, provider } = await facing(undefined);
  const cut = [
    { message: { content: "", thinking: "Let me think." }, done: false },
    { message: { content: "" }, done: true, done_reason: "length", prompt_eval_count: 50, eval_count: 512 },
  ];
  server.script([{ type: "raw", body: cut.map((line) => JSON.stringify(line)).join("\n") }]);
  expect((await failure(ask(provider, MODEL))).message).toContain("cut off at the token limit");
  await ask(provider, MODEL);
  expect(server.requests.map(({ json }) => json.think)).toEqual([undefined, false]);
});

it("looks again after a call that failed", async () => {
  const { server, provider } = await facing(undefined);
  server.script([{ type: "error", status: 404 }]);
  await failure(ask(provider, MODEL));
  await ask(provider, MODEL);
  expect(server.shown).toHaveLength(2);
});

it("charges nothing for a call that is aborted while it looks", async () => {
  const stop = new AbortController();
  const silent = createServer(() => stop.abort());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void silent.closeAllConnections());
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const hung = createOllama({
    name: "ollama",
    settings: {},
    baseUrl: `http://127.0.0.1:${port}`,
    apiKey: null,
  });
  const failed = await failure(ask(hung, MODEL, { signal: stop.signal }));
  expect(failed).toMatchObject({ charge: "none", trip: "none" });
});

it("does not call a model for free that its Ollama runs elsewhere", async () => {
  const facts = { capabilities: ["completion"], remote_host: "https://ollama.com:443", remote_model: "big" };
  const { server, provider } = await facing(facts, { isFree: true, isAssumedLocal: true });
  const failed = await failure(ask(provider, MODEL));
  expect(failed).toMatchObject({ charge: "none", trip: "now", retry: "never" });
  expect(failed.message).toContain("ollama.com");
  expect(failed.message).toContain(`"ollama/${MODEL}": { input: …, output: … }`);
  expect(server.requests).toEqual([]);
  const stated = createOllama({
    name: "ollama",
    settings: {},
    baseUrl: server.url,
    apiKey: null,
    isFree: true,
  });
  expect((await ask(stated, MODEL)).text).not.toBe("");
});

it.each(["closes the connection", "says nothing", "is out of order"])(
  "does not send a call for free where the server %s when it is asked where the model runs",
  async (what) => {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? "");
      if (what === "closes the connection") response.socket?.destroy();
      if (what === "is out of order") response.writeHead(500).end("busy");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    onTestFinished(() => server.closeAllConnections());
    const { port } = server.address() as AddressInfo;
    const options = { name: "ollama", settings: {}, baseUrl: `http://127.0.0.1:${port}`, apiKey: null };
    const local = createOllama({ ...options, isFree: true, isAssumedLocal: true });
    expect(await failure(ask(local, MODEL, { timeoutMs: 200 }))).toMatchObject({
      charge: "none",
      trip: "count",
    });
    expect(paths).toEqual(["/api/show"]);
    // What has a price is not asked where it runs.
    await failure(ask(createOllama(options), MODEL, { timeoutMs: 200 }));
    expect(paths.slice(1)).toEqual(["/api/show", "/api/chat"]);
  },
);

it("does not take a reply for free that says it comes from elsewhere", async () => {
  const { server, provider } = await facing(undefined, { isFree: true, isAssumedLocal: true });
  const line = { message: { content: "text" }, done: true, remote_host: "https://ollama.com:443" };
  server.script([{ type: "raw", body: JSON.stringify(line) }]);
  expect(await failure(ask(provider, MODEL))).toMatchObject({ charge: "unknown", trip: "now" });
});

it("uses the answer of a model that reasons in a field of its own, or in its text", async () => {
  const { provider } = await harness(KIND, {
    type: "raw",
    body:
      '{"message":{"content":"","thinking":"Hm."},"done":false}\n' +
      '{"message":{"content":"Hm.</think>The harbour opens."},"done":true,"done_reason":"stop"}\n',
  });
  expect((await ask(provider, MODEL)).text).toBe("The harbour opens.");
});

it("sends a key only if there is one", async () => {
  const { server, provider } = await harness(KIND);
  await ask(provider, MODEL);
  await ask(createOllama({ name: "ollama", settings: {}, baseUrl: server.url, apiKey: null }), MODEL);
  await ask(
    createOllama({
      name: "ollama",
      settings: {},
      baseUrl: server.url.replace("//", "//me:p%40ss@"),
      apiKey: null,
    }),
    MODEL,
  );
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer sk-test-9f8e7d6c5b4a",
    undefined,
    `Basic ${Buffer.from("me:p@ss").toString("base64")}`,
  ]);
});
