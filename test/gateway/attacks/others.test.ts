import { describe, expect, it } from "vitest";
import { chainConfig } from "../../providers/chain-config.ts";
import { openTestGateway, testGateway, turn } from "../gateway-on.ts";

/** Two clients of one gateway's rails. */
async function twoClients(isPlan: boolean) {
  const { rails, servers, gateway } = await testGateway();
  const models = chainConfig(["openai/test"], { openai: servers.openai.url });
  if (isPlan)
    models.providers = {
      openai: {
        type: "openai",
        baseUrl: `${servers.openai.url}/v1`,
        apiKey: null,
        settings: {},
        auth: "client",
      },
    };
  const open = async (name: string) => {
    const caller = { title: `client ${name}`, scope: { tick: null, job: null, client: name } };
    const { url } = await openTestGateway(rails, { gateway, models }, caller);
    return (seed: number) =>
      turn(`${url}/k/test-key-of-the-laptop`, "chat", { seed }, { authorization: `Bearer of-${name}` });
  };
  return { rails, server: servers.openai, hostile: await open("hostile"), honest: await open("honest") };
}

describe("what one client makes a provider refuse", () => {
  it.each([404, 409, 410])("closes the model to nobody else: %d", async (status) => {
    const { server, hostile, honest } = await twoClients(false);
    server.otherwise({ type: "error", status, message: "Previous response with id 'x' not found" });
    for (let seed = 0; seed < 12; seed += 1) expect((await hostile(seed)).status).toBe(status);
    server.otherwise({ type: "reply" });
    expect((await honest(99)).status).toBe(200);
  });

  it.each([401, 402, 403, 429])("with a credential of its own closes it to no other: %d", async (status) => {
    const { server, hostile, honest } = await twoClients(true);
    server.otherwise({ type: "error", status, message: "This plan has reached its limit" });
    for (let seed = 0; seed < 3; seed += 1) expect((await hostile(seed)).status).toBe(status);
    server.otherwise({ type: "reply" });
    expect((await honest(99)).status).toBe(200);
  });

  it("still closes it where afk's own key is refused", async () => {
    const { server, hostile, honest } = await twoClients(false);
    server.otherwise({ type: "error", status: 401, message: "Incorrect API key provided" });
    expect((await hostile(1)).status).toBeGreaterThanOrEqual(500);
    server.otherwise({ type: "reply" });
    expect((await honest(99)).status).toBe(503);
    expect(server.requests).toHaveLength(1);
  });
});
