import { describe, expect, it } from "vitest";
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
