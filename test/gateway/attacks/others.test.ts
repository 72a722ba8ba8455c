import { describe, expect, it, onTestFinished } from "vitest";
import { openai } from "../../../src/providers/openai/openai.ts";
import { chainConfig } from "../../providers/chain-config.ts";
import { entriesOf, openTestGateway, testGateway, turn } from "../gateway-on.ts";

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

  it("for what it says, and bills, closes it to nobody else, stays charged, and is not to be sent again", async () => {
    const { rails, server, hostile, honest } = await twoClients(false);
    // As at xAI, which answers so with its team and key in the words.
    const { freeErrorsAt } = openai.relay;
    openai.relay.freeErrorsAt = () => (status) => (status === 403 ? false : null);
    onTestFinished(() => {
      openai.relay.freeErrorsAt = freeErrorsAt;
    });
    const message =
      "Content violates usage guidelines. Team: 1, API key ID: 2, Failed check: SAFETY_CHECK_TYPE_BIO";
    server.otherwise({ type: "error", status: 403, message });
    const refused = await hostile(1);
    expect(refused.status).toBe(400);
    expect(await refused.text()).toMatch(/^(?!.*API key ID).*do not send it again/s);
    expect(await entriesOf(rails)).toMatchObject([{ state: "unknown" }]);
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
