import { describe, expect, it } from "vitest";
import { setKill } from "../../src/rails/kill.ts";
import { entriesOf, KEY, TURNS, type TurnName, testGateway, turn } from "./gateway-on.ts";

const NAMES = Object.keys(TURNS) as TurnName[];
const PRICED: TurnName[] = ["chat", "responses", "completions", "messages"];

describe("a turn through the gateway", () => {
  it.each(NAMES)("is answered and booked: %s", async (name) => {
    const { url, rails, servers } = await testGateway();
    const reply = await turn(url, name, { stream: false });
    expect(reply.status, await reply.clone().text()).toBe(200);
    expect(reply.headers.get("x-afk-entry")).toMatch(/./);
    await reply.json();
    const [entry, ...others] = await entriesOf(rails);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ state: "settled", client: "laptop" });
    const server = servers[TURNS[name].server];
    expect(server.requests).toHaveLength(1);
    expect(entry?.cost_micros).toBe(server.billMicros(PRICED.includes(name) ? priceFor(name) : FREE));
  });

  it.each(NAMES)("is streamed and booked: %s", async (name) => {
    const { url, rails, servers } = await testGateway();
    const reply = await turn(url, name, { stream: true });
    expect(reply.status).toBe(200);
    const text = await reply.text();
    expect(text.length).toBeGreaterThan(10);
    await expect.poll(async () => (await entriesOf(rails))[0]?.state).toBe("settled");
    expect(servers[TURNS[name].server].requests).toHaveLength(1);
  });

  it.each(PRICED)("is refused under a cap of 0: %s", async (name) => {
    const { url, rails, servers } = await testGateway({ budget: { day_micros: 0 } });
    const reply = await turn(url, name);
    expect(reply.status).toBe(402);
    expect(await reply.text()).toContain("afk: daily limit reached");
    expect(servers[TURNS[name].server].requests).toEqual([]);
    expect(await entriesOf(rails)).toEqual([]);
  });

  it.each(NAMES)("is refused when the kill switch is set: %s", async (name) => {
    const { url, rails, servers } = await testGateway();
    await rails.store.atomically((trx) => setKill(trx, rails.outbox.announce, "enough", rails.clock.nowMs()));
    const reply = await turn(url, name);
    expect(reply.status).toBe(403);
    expect(await reply.text()).toContain("afk resume");
    expect(servers[TURNS[name].server].requests).toEqual([]);
  });

  it("is refused without a key", async () => {
    const { url, servers } = await testGateway();
    const reply = await turn(url, "chat", {}, { authorization: `Bearer ${KEY}x` });
    expect(reply.status).toBe(401);
    expect(servers.openai.requests).toEqual([]);
  });
});

describe("a local model whose server is not up", () => {
  it("is said not to have been called, and not to have been cut off", async () => {
    const { url } = await testGateway({ servers: ["openai"] });
    const reply = await turn(url, "ollamaChat");
    expect(reply.status).toBe(502);
    const text = await reply.text();
    expect(text).toContain("so it was not called: ollama cannot be reached");
    expect(text).not.toContain("cut off");
  });
});

const FREE = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

function priceFor(name: TurnName) {
  return TURNS[name].server === "anthropic"
    ? { input: 2, output: 10, cacheRead: 2, cacheWrite: 2.5 }
    : { input: 1, output: 4, cacheRead: 1, cacheWrite: 1.25 };
}
