import { describe, expect, it } from "vitest";
import { chainConfig } from "../../providers/chain-config.ts";
import { KEY, openTestGateway, testGateway, turn } from "../gateway-on.ts";

/** A gateway before a server that is asked with the client's own credential. */
async function plan() {
  const { rails, servers, gateway } = await testGateway();
  const models = chainConfig(["anthropic/test"], { anthropic: servers.anthropic.url });
  const config = { type: "anthropic", baseUrl: servers.anthropic.url, apiKey: null, settings: {} };
  models.providers = { anthropic: { ...config, auth: "client" } };
  const { url } = await openTestGateway(rails, { gateway, models });
  return { url, server: servers.anthropic };
}

function sent(server: Awaited<ReturnType<typeof plan>>["server"]): string {
  return JSON.stringify(server.requests);
}

describe("a client's key of afk's own", () => {
  it("goes to no provider that is asked with the client's credential: alone", async () => {
    const { url, server } = await plan();
    await turn(url, "messages");
    expect(sent(server)).not.toContain(KEY);
  });

  it("goes to no such provider beside the client's own credential, which does", async () => {
    const { url, server } = await plan();
    await turn(url, "messages", {}, { authorization: "Bearer of-the-client", "x-api-key": KEY });
    expect(sent(server)).not.toContain(KEY);
    expect(sent(server)).toContain("of-the-client");
  });

  it("goes to no such provider in any other header either", async () => {
    const { url, server } = await plan();
    await turn(
      `${url}/k/${KEY}`,
      "messages",
      {},
      { authorization: `Bearer ${KEY}`, "x-token": `key=${KEY}` },
    );
    expect(sent(server)).not.toContain(KEY);
  });
});

describe("a provider's key", () => {
  it.each([false, true])("stays here where a server says it back (streamed: %s)", async (stream) => {
    const { url, servers } = await testGateway();
    const said = {
      choices: [{ message: { content: "sk-test" } }],
      usage: { prompt_tokens: 9, completion_tokens: 9 },
    };
    const json = JSON.stringify(said);
    const body = stream ? `data: ${json}\n\ndata: [DONE]\n\n` : json;
    const headers = {
      "content-type": stream ? "text/event-stream" : "application/json",
      "x-seen-authorization": "Bearer sk-test",
    };
    servers.openai.script([{ type: "raw", status: 200, body, headers }]);
    const reply = await turn(url, "chat", { stream });
    expect(await reply.text()).toMatch(/choices.*redacted/);
    expect(JSON.stringify([...reply.headers])).not.toContain("sk-test");
  });
});

describe("a key in a path without more", () => {
  it("is read as one, and so is in no message and no log", async () => {
    const { url, rails } = await testGateway();
    const other = "another-key-of-the-laptop";
    const headers = { authorization: `Bearer ${KEY}` };
    const reply = await fetch(`${url}/k/${other}`, { headers });
    expect(await reply.text()).not.toContain(other);
    expect(JSON.stringify(rails.logged)).not.toContain(other);
    expect((await fetch(`${url}/k/${KEY}`)).status).toBe(200);
  });
});
