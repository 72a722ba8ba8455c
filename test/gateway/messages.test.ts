import { describe, expect, it } from "vitest";
import { KEY, testGateway, turn } from "./gateway-on.ts";

async function messageOf(reply: Response): Promise<string> {
  const body = (await reply.json()) as { error: { message: string } };
  return body.error.message;
}

describe("what a client is told", () => {
  it("of a key says whether there was none, or one that is unknown or revoked", async () => {
    const { url } = await testGateway({ servers: ["openai"] });
    const none = await fetch(`${url}/v1/models`);
    expect(none.status).toBe(401);
    expect(await messageOf(none)).toMatch(/shows no key; send one as Authorization: Bearer KEY/);
    const other = await fetch(`${url}/v1/models`, { headers: { "x-api-key": `${KEY}x` } });
    expect(other.status).toBe(401);
    expect(await messageOf(other)).toMatch(/this key is unknown or revoked; make another with: afk key make/);
  });

  it("of a model says where it is asked, who may add it, or that it is not known", async () => {
    const { url, servers } = await testGateway({
      servers: ["openai", "anthropic"],
      gateway: { models: { small: "anthropic/test", mini: "openai/test" } },
      caller: { models: ["small"] },
    });
    const wrongPath = await turn(url, "chat", { model: "small" });
    expect(await messageOf(wrongPath)).toContain(
      'the model "small" cannot be asked here: anthropic/test is asked at /v1/messages',
    );
    const notAllowed = await turn(url, "chat", { model: "mini" });
    expect(await messageOf(notAllowed)).toContain("client laptop may not use it; its owner can add it");
    const unknown = await turn(url, "messages", { model: "nobody-knows-1" });
    const message = await messageOf(unknown);
    expect(message).toContain("GET /v1/models lists what this key may ask for");
    expect([...servers.openai.requests, ...servers.anthropic.requests]).toEqual([]);
  });

  it("of a cap names waiting only where that helps", async () => {
    const { url } = await testGateway({ servers: ["openai"], budget: { day_micros: 1_000, day_calls: 1 } });
    const large = await messageOf(await turn(url, "chat", { max_completion_tokens: 1_000 }));
    expect(large).toMatch(/ Ask for less, or have the owner raise it in afk.yaml\.$/);
    expect((await turn(url, "chat", { max_completion_tokens: 10 })).status).toBe(200);
    const second = await messageOf(await turn(url, "chat", { max_completion_tokens: 11 }));
    expect(second).toMatch(/ Wait, ask for less, or have the owner raise it in afk.yaml\.$/);
    expect(second).toContain("(1 call spent or reserved on");
  });
});

describe("a client that asks again and again at its cap", () => {
  it("leaves one alert and one line in the log", async () => {
    const { url, rails } = await testGateway({
      servers: ["openai"],
      budget: { day_micros: 1_000 },
    });
    for (let seed = 0; seed < 20; seed++) expect((await turn(url, "chat", { seed })).status).toBe(402);
    expect(rails.logged.filter(({ event }) => event === "client_refused")).toHaveLength(1);
    expect(rails.logged.filter(({ event }) => event === "cap_hit")).toMatchObject([
      { fields: { alerted: true } },
    ]);
  });
});

describe("the lists of models", () => {
  it("hold what the key may ask for in their protocol", async () => {
    const { url } = await testGateway({
      gateway: {
        models: { small: "anthropic/test", mini: "openai/test", local: "ollama/small", no: "ollama/no" },
      },
      caller: { models: ["small", "mini", "local"] },
    });
    const namesAt = async (path: string, headers: Record<string, string> = {}) => {
      const reply = await fetch(url + path, { headers: { "x-api-key": KEY, ...headers } });
      const { data, models } = (await reply.json()) as Record<string, { id?: string; name?: string }[]>;
      return (data ?? models ?? []).map(({ id, name }) => id ?? name);
    };
    expect(await namesAt("/v1/models")).toEqual(["mini", "local"]);
    expect(await namesAt("/v1/models", { "anthropic-version": "2023-06-01" })).toEqual(["small", "local"]);
    expect(await namesAt("/api/tags")).toEqual(["local"]);
  });
});
