import { expect, it, onTestFinished } from "vitest";
import { type Behaviour, toolTurn } from "../../src/faults/model-answers.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import type { ProtocolName } from "../../src/faults/model-protocols.ts";

const PRICE = { input: 2, output: 10, cacheRead: 0.5, cacheWrite: 3 };
const USAGE = { inputTokens: 100, cacheReadTokens: 10, cacheWriteTokens: 20, outputTokens: 30 };
const BILL = 200 + 5 + 60 + 300;
const counted = { stream: true, stream_options: { include_usage: true } };

/** What is asked, the figures at the end of it, and the protocol's own end of the stream. */
const STREAMS: [ProtocolName, string, object, RegExp, RegExp][] = [
  [
    "openai",
    "/v1/chat/completions",
    counted,
    /"choices":\[\],"usage":\{"prompt_tokens":130/,
    /\[DONE\]\n\n$/,
  ],
  ["openai", "/v1/completions", counted, /"choices":\[\],"usage":\{"prompt_tokens":130/, /\[DONE\]\n\n$/],
  [
    "openai",
    "/v1/responses",
    { stream: true },
    /"input_tokens":130.*"output_tokens":30/,
    /response\.completed\ndata: .*\n\n$/,
  ],
  [
    "anthropic",
    "/v1/messages?beta=true",
    { stream: true },
    /message_delta.*"input_tokens":100.*"output_tokens":30/,
    /message_stop"\}\n\n$/,
  ],
  ["ollama", "/api/chat", {}, /"prompt_eval_count":100,"eval_count":30/, /"done":true.*\n$/],
  ["ollama", "/api/generate", {}, /"prompt_eval_count":100,"eval_count":30/, /"done":true.*\n$/],
  ["ollama", "/v1/messages", { stream: true }, /"output_tokens":30/, /message_stop"\}\n\n$/],
];

it.each(STREAMS)("streams %s %s to its end, figures and bill", async (name, path, more, figures, end) => {
  const endpoint = await started(name);
  endpoint.script([{ type: "reply", text: "One two three.", usage: USAGE }]);
  const reply = await post(endpoint, path, more);
  const text = await reply.text();
  expect(reply.headers.get("content-type")).toMatch(/event-stream|ndjson/);
  expect(text).toMatch(figures);
  expect(text).toMatch(end);
  for (const word of ["One ", "two ", "three."]) expect(text).toContain(`"${word}"`);
  expect(endpoint.billMicros(PRICE)).toBe(BILL);
});

it.each(STREAMS)(
  "fails a stream of %s %s in mid-reply, and bills it",
  async (name, path, more, _figures, end) => {
    const endpoint = await started(name);
    endpoint.script([{ type: "errorUnder200", pieces: 3, message: "out of order" }]);
    const text = await (await post(endpoint, path, more)).text();
    expect(text).toContain("out of order");
    expect(text).not.toMatch(end);
    expect(endpoint.billMicros(PRICE)).toBeGreaterThan(0);
  },
);

it("leaves a stream's figures out where OpenAI's protocol does not ask for them", async () => {
  const endpoint = await started("openai");
  const text = await (await post(endpoint, "/v1/chat/completions", { stream: true })).text();
  expect(text).not.toContain("usage");
  expect(text).not.toContain('"choices":[]');
  expect(endpoint.billMicros(PRICE)).toBeGreaterThan(0);
});

it("lies about the figures without touching the bill", async () => {
  const endpoint = await started("anthropic");
  const lies = {
    earlierFigures: { output_tokens: 9_000 },
    figures: { output_tokens: -4, input_tokens: "many" },
  };
  endpoint.script([{ type: "reply", usage: USAGE, ...lies }]);
  const text = await (await post(endpoint, "/v1/messages", { stream: true })).text();
  expect(text).toMatch(/message_start.*"output_tokens":9000/);
  expect(text).toMatch(/message_delta.*"input_tokens":"many".*"output_tokens":-4/);
  expect(endpoint.billMicros(PRICE)).toBe(BILL);
});

it("tells an hour's cache, searches, the region and the tier apart, and bills each", async () => {
  const endpoint = await started("anthropic");
  const usage = {
    ...USAGE,
    cacheWrite1hTokens: 40,
    tools: { web_search: 2 },
    isRegional: true,
    tier: "fast",
  } as const;
  endpoint.script([{ type: "reply", usage }]);
  const reply = (await (await post(endpoint, "/v1/messages", {})).json()) as { usage: unknown };
  expect(reply.usage).toMatchObject({
    cache_creation_input_tokens: 60,
    cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 40 },
    server_tool_use: { web_search_requests: 2 },
    inference_geo: "us",
    speed: "fast",
  });
  const more = { cacheWrite1h: 4, tools: { web_search: 0.01 }, tiers: { fast: 2 }, regionalFactor: 1.1 };
  expect(endpoint.billMicros({ ...PRICE, ...more })).toBe(Math.ceil((BILL + 160) * 2 * 1.1 + 20_000));
});

it.each([
  ["finish", 30],
  ["stop", 10],
] as const)("bills a client that hangs up as it is told to: %s", async (onHangUp, outputTokens) => {
  const endpoint = await startModelEndpoint("ollama", { onHangUp });
  onTestFinished(() => endpoint.close());
  const leave = new AbortController();
  const gate = async (piece: number) => {
    if (piece === 1) await new Promise(() => leave.abort());
  };
  endpoint.script([{ type: "slow", text: "One two.", usage: USAGE, gate }]);
  await expect(post(endpoint, "/api/chat", {}, leave.signal).then((reply) => reply.text())).rejects.toThrow();
  await expect.poll(() => endpoint.bill[0]?.usage.outputTokens).toBe(outputTokens);
});

it("asks for a tool once, and says the text when it has the result or no such tool", async () => {
  const endpoint = await started("anthropic");
  endpoint.otherwise(toolTurn({ name: "read_file", arguments: { path: "a.txt" } }, "All read."));
  const tools = [{ name: "read_file", input_schema: { type: "object" } }];
  const first = await (await post(endpoint, "/v1/messages", { tools })).json();
  expect(first).toMatchObject({
    stop_reason: "tool_use",
    content: [{ type: "tool_use", input: { path: "a.txt" } }],
  });
  const streamed = await (await post(endpoint, "/v1/messages", { tools, stream: true })).text();
  expect(streamed).toContain("input_json_delta");
  const result = [{ role: "user", content: [{ type: "tool_result", tool_use_id: "1", content: "x" }] }];
  for (const more of [{ tools, messages: result }, {}]) {
    const reply = await (await post(endpoint, "/v1/messages", more)).json();
    expect(reply).toMatchObject({ stop_reason: "end_turn", content: [{ type: "text", text: "All read." }] });
  }
});

it.each(["close", "reset"] as const)("ends with a %s after so many bytes", async (ending) => {
  const endpoint = await started("openai");
  endpoint.script([{ type: "cutBytes", bytes: 100, ending }]);
  const reply = await post(endpoint, "/v1/chat/completions", { stream: true });
  if (ending === "close") expect((await reply.text()).length).toBe(100);
  else await expect(reply.text()).rejects.toThrow();
});

it.each<[string, Behaviour]>([
  ["pings", { type: "pings", pieces: 1, pingMs: 1 }],
  ["a line", { type: "longEvent", bytes: 1_000_000_000 }],
])("sends %s until the client leaves, whatever it takes", async (_what, behaviour) => {
  const endpoint = await started("openai");
  endpoint.script([behaviour]);
  const leave = new AbortController();
  const reply = await post(endpoint, "/v1/chat/completions", { stream: true }, leave.signal);
  const reader = reply.body?.getReader();
  for (let pieces = 0; pieces < 20; pieces++) expect((await reader?.read())?.done).toBe(false);
  leave.abort();
  await expect.poll(() => endpoint.requests[0]?.isOver).toBe(true);
});

it("answers embeddings, counts and lists, and bills the first of them", async () => {
  const endpoint = await startModelEndpoint("anthropic", { models: ["claude-haiku-4-5"] });
  const ollama = await startModelEndpoint("ollama", { models: ["nomic"] });
  onTestFinished(async () => void (await Promise.all([endpoint.close(), ollama.close()])));
  expect(await (await post(endpoint, "/v1/messages/count_tokens", {})).json()).toEqual({ input_tokens: 8 });
  expect([endpoint.requests.length, endpoint.shown.length, endpoint.billMicros(PRICE)]).toEqual([0, 1, 0]);
  const listed = await (await fetch(`${endpoint.url}/v1/models`)).json();
  expect(listed).toMatchObject({ data: [{ id: "claude-haiku-4-5", type: "model" }] });

  const embedded = await (await post(ollama, "/api/embed", { input: ["a", "b"] })).json();
  expect(embedded).toMatchObject({
    embeddings: [[0.25, -0.5, 0.125], expect.anything()],
    prompt_eval_count: 12,
  });
  const openai = await (await post(ollama, "/v1/embeddings", { input: "a" })).json();
  expect(openai).toMatchObject({ data: [{ embedding: [0.25, -0.5, 0.125] }], usage: { prompt_tokens: 11 } });
  expect(ollama.bill.map(({ usage }) => usage.outputTokens)).toEqual([0, 0]);
  const tags = await (await fetch(`${ollama.url}/api/tags`)).json();
  expect(tags).toMatchObject({ models: [{ name: "nomic" }] });
});

it("writes as many replies as are asked for, and bills all of them", async () => {
  const endpoint = await started("openai");
  const reply = await (await post(endpoint, "/v1/chat/completions", { n: 3, max_tokens: 2 })).json();
  expect(reply).toMatchObject({
    choices: [{ index: 0 }, { index: 1 }, { index: 2 }],
    usage: { completion_tokens: 6 },
  });
});

async function started(name: ProtocolName): Promise<ModelEndpoint> {
  const endpoint = await startModelEndpoint(name);
  onTestFinished(() => endpoint.close());
  return endpoint;
}

function post(endpoint: ModelEndpoint, path: string, more: object, signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ model: "one", messages: [], ...more });
  return fetch(endpoint.url + path, { method: "POST", body, ...(signal ? { signal } : {}) });
}
