import { describe, expect, it } from "vitest";
import { openai } from "../../../src/providers/openai/openai.ts";
import { isSameModel } from "../../../src/providers/other-model.ts";
import { entriesOf, type TurnName, testGateway, turn } from "../gateway-on.ts";

const PRICED: TurnName[] = ["chat", "responses", "completions", "messages"];

describe("a model that is named where no server looks", () => {
  it.each(PRICED)("is written where they do, so that none takes its own choice: %s", async (name) => {
    const { url, servers } = await testGateway();
    await turn(url, name, { model: undefined, name: "test" });
    await turn(url, name, { model: null, name: "test", seed: 2 });
    const asked = [...servers.openai.requests, ...servers.anthropic.requests];
    expect(asked.map(({ json }) => json.model)).toEqual(["test", "test"]);
  });
});

describe("a model of Ollama's that costs money", () => {
  it.each([{}, { max_completion_tokens: 50 }])(
    "gets the one limit that Ollama keeps to on OpenAI's path: %j",
    async (limit) => {
      const { url, servers, rails } = await testGateway({
        models: { prices: { "ollama/large:cloud": { input: 1, output: 4 } } },
      });
      await turn(url, "chat", { model: "ollama/large:cloud", ...limit });
      expect(servers.ollama.requests).toHaveLength(1);
      const most = limit.max_completion_tokens ?? 1_000;
      expect(servers.ollama.requests[0]?.json).toMatchObject({ max_tokens: most });
      expect((await entriesOf(rails))[0]?.estimate_tokens).toBeGreaterThan(most);
    },
  );
});

describe("a model's name", () => {
  it.each(["\u001b[2Jx", "x\u202ey", "x\u0000", "\ud800", "x\u009b1m"])(
    "that a terminal takes for more than text reaches no ledger: %j",
    async (model) => {
      const { url, rails, servers } = await testGateway();
      expect((await turn(url, "ollamaChat", { model: `ollama/${model}` })).status).toBe(400);
      expect(await entriesOf(rails)).toEqual([]);
      expect(servers.ollama.requests).toEqual([]);
    },
  );
});

describe("a reply that names another model than was asked", () => {
  const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const answer = (model: string) => ({
    id: "x",
    object: "chat.completion",
    model,
    choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
    usage: USAGE,
  });
  const chunks = (model: string) =>
    `data: ${JSON.stringify({ model, choices: [{ index: 0, delta: { content: "hi" } }] })}\n\n` +
    `data: ${JSON.stringify({ model, choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`;
  const raw = (model: string, stream: boolean) =>
    stream
      ? ({ type: "raw", body: chunks(model), headers: { "content-type": "text/event-stream" } } as const)
      : ({ type: "raw", body: JSON.stringify(answer(model)) } as const);

  it.each([false, true])(
    "without a price costs what nobody knows, and is asked no more; streamed: %s",
    async (stream) => {
      const { url, servers, rails } = await testGateway();
      servers.openai.script([raw("dear", stream)]);
      expect(await (await turn(url, "chat", { stream })).text()).toContain("hi");
      await expect.poll(async () => (await entriesOf(rails))[0]?.state).toBe("unknown");
      const [entry] = await entriesOf(rails);
      expect(entry?.cost_micros ?? entry?.estimate_micros).toBe(entry?.estimate_micros);
      expect((await turn(url, "chat", { seed: 2 })).status).toBe(503);
      expect(servers.openai.requests).toHaveLength(1);
    },
  );

  it("with a price costs the dearer of the two", async () => {
    const prices = { "openai/test": { input: 1, output: 4 }, "openai/dear": { input: 100, output: 400 } };
    const { url, servers, rails } = await testGateway({ models: { prices } });
    servers.openai.script([raw("dear", false)]);
    expect((await turn(url, "chat")).status).toBe(200);
    expect(await entriesOf(rails)).toMatchObject([{ state: "settled", cost_micros: 3_000 }]);
  });

  it("costs nothing where the model that was asked does", async () => {
    const { url, servers, rails } = await testGateway();
    const lines = `${JSON.stringify({ ...answer("/models/other.gguf") })}`;
    servers.ollama.script([{ type: "raw", body: lines }]);
    expect((await turn(url, "chat", { model: "ollama/small" })).status).toBe(200);
    expect(await entriesOf(rails)).toMatchObject([{ state: "settled", cost_micros: 0 }]);
  });

  it.each([
    ["gpt-4o", "gpt-4o-2099-08-06"],
    ["gpt-4o", "openai/GPT-4o"],
    ["openai/gpt-4o", "gpt-4o"],
    ["grok-4-latest", "grok-4-0709"],
    ["gemini-2.5-pro", "models/gemini-2.5-pro-preview-06-05"],
    ["gemini-2.5-flash", "gemini-2.5-flash-001"],
    ["mistral-large-latest", "mistral-large-2411"],
    ["claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"],
    ["claude-sonnet-4-0", "claude-sonnet-4-20250514"],
    ["anthropic/claude-sonnet-4.5", "claude-sonnet-4-5@20250929"],
    ["qwen3", "qwen3:latest"],
    ["gpt-oss:120b-cloud", "gpt-oss:120b"],
  ])("is the same one by another spelling: %s, %s", (asked, named) => {
    expect(isSameModel(asked, named)).toBe(true);
  });

  it.each([
    ["gpt-4o-mini", "gpt-4o"],
    ["claude-haiku-4-5", "claude-opus-4-5"],
    ["claude-opus-4-5", "claude-opus-4-1"],
    ["deepseek-v3", "deepseek-v4"],
    ["gpt-5", "gpt-5-pro-2025-10-06"],
    ["cheap/default", "dear/default"],
    ["llama-3-8b", "llama-3-70b"],
    ["o1", "xo1"],
    ["router", "-latest"],
  ])("is another one: %s, %s", (asked, named) => {
    expect(isSameModel(asked, named)).toBe(false);
  });

  it.each(["azure", "mine"])("is a deployment's at Azure, whose name the owner chose: %s", (name) => {
    const baseUrl = name === "azure" ? "http://127.0.0.1:1" : "https://mine.openai.azure.com/openai/v1";
    expect(openai.serverOf?.({ name, baseUrl, settings: {} }).server).toBe("azure");
  });
});
