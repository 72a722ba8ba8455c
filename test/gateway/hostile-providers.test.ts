// @module-tag slow
import { describe, expect, it } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { entriesOf, TURNS, type TurnName, testGateway, turn } from "./gateway-on.ts";

const STREAMED = Object.keys(TURNS) as TurnName[];
const PRICED: TurnName[] = ["chat", "responses", "completions", "messages"];
const ENDS = /\[DONE\]|response\.completed|message_stop|"done":true/;

/** Where each protocol says how many tokens came out, as the endpoint's `figures` are laid over it. */
const OUTPUT: Record<string, string> = {
  chat: "completion_tokens",
  completions: "completion_tokens",
  responses: "output_tokens",
  messages: "output_tokens",
};

async function stateAfter(name: TurnName, behaviour: Behaviour, stream: boolean) {
  const { url, rails, servers } = await testGateway({ gateway: { timeoutMs: 3_000 } });
  servers[TURNS[name].server].script([behaviour]);
  const text = await turn(url, name, { stream }).then(
    (reply) => reply.text(),
    (error: unknown) => String(error),
  );
  await expect.poll(async () => (await entriesOf(rails))[0]?.state, { timeout: 10_000 }).not.toBe("sending");
  const [entry] = await entriesOf(rails);
  return { text, state: entry?.state, entry, url, rails };
}

describe("a provider that", () => {
  it.each(PRICED)("gives no figures leaves the call charged at its worst case: %s", async (name) => {
    for (const stream of [false, true]) {
      const { state } = await stateAfter(name, { type: "missingUsage" }, stream);
      expect(state).toBe("unknown");
    }
  });

  it.each(PRICED)("lies with its figures is not believed: %s", async (name) => {
    for (const lie of [-5, 1.5, "12", 1e15, null, {}]) {
      for (const stream of [false, true]) {
        const { state } = await stateAfter(
          name,
          { type: "reply", figures: { [OUTPUT[name] ?? ""]: lie } },
          stream,
        );
        expect(state, `${JSON.stringify(lie)} streamed: ${stream}`).toBe("unknown");
      }
    }
  });

  it.each(PRICED)("bills more than was bounded is recorded in full, and asked no more: %s", async (name) => {
    const { state, entry, url } = await stateAfter(
      name,
      { type: "reply", figures: { [OUTPUT[name] ?? ""]: 50_000, total_tokens: 60_000 } },
      false,
    );
    expect(state).toBe("settled");
    expect(entry?.cost_micros ?? 0).toBeGreaterThan(entry?.estimate_micros ?? 0);
    expect((await turn(url, name, { seed: 2 })).status).toBeGreaterThanOrEqual(503);
  });

  it.each(STREAMED)("pings without end is ended by the time limit: %s", async (name) => {
    const { text, state } = await stateAfter(name, { type: "pings", pieces: 2, pingMs: 5 }, true);
    expect(text).not.toMatch(ENDS);
    expect(state).toBe("unknown");
  });

  it.each(STREAMED)("sends an event that never ends is ended, in bounded memory: %s", async (name) => {
    const before = process.memoryUsage().rss;
    const { text, state } = await stateAfter(name, { type: "longEvent", bytes: 1024 * 1024 * 1024 }, true);
    expect(text.length).toBeLessThan(10_000);
    expect(state).toBe("unknown");
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
  });

  it.each(STREAMED)("says nothing after the first words is ended by the time limit: %s", async (name) => {
    const { text, state } = await stateAfter(name, { type: "stall", pieces: 1 }, true);
    expect(text).not.toMatch(ENDS);
    expect(state).toBe("unknown");
  });

  it.each(STREAMED)("never answers is given up, and the client is told: %s", async (name) => {
    const { text, state } = await stateAfter(name, { type: "hang" }, false);
    expect(text).toContain("afk: ");
    expect(state).toBe("unknown");
  });

  it.each(STREAMED)("redirects is not followed, and its address is not handed on: %s", async (name) => {
    const { url, servers } = await testGateway();
    servers[TURNS[name].server].script([
      { type: "raw", status: 307, body: "", headers: { location: "http://127.0.0.1:1/elsewhere" } },
    ]);
    const reply = await turn(url, name, {}, {}, undefined);
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.headers.get("location")).toBeNull();
  });

  it.each(STREAMED)("sends another type than JSON, or none, costs what nobody knows: %s", async (name) => {
    for (const behaviour of [
      { type: "html", status: 200 },
      { type: "raw", status: 200, body: "" },
      { type: "raw", status: 200, body: "[1,2,3]" },
      { type: "malformed" },
    ] as const) {
      const { state } = await stateAfter(name, behaviour, false);
      // What costs nothing is settled at nothing.
      expect(state).toMatch(PRICED.includes(name) ? /^unknown$/ : /^(unknown|settled)$/);
    }
  });

  it("refuses afk's own key is named to nobody, and its words stay here", async () => {
    const { url, servers } = await testGateway();
    servers.openai.script([{ type: "error", status: 401, message: "Incorrect API key provided: sk-test" }]);
    const reply = await turn(url, "chat");
    const text = await reply.text();
    expect(reply.status).toBeGreaterThanOrEqual(500);
    expect(text).not.toContain("sk-test");
  });

  it.each(["chat", "messages"] as const)(
    "refuses a request for what it is says so to the client word for word: %s",
    async (name) => {
      const { url, servers, rails } = await testGateway();
      servers[TURNS[name].server].script([
        { type: "error", status: 400, message: "prompt is too long: 9 tokens > 8 maximum" },
      ]);
      const reply = await turn(url, name);
      expect(reply.status).toBe(400);
      expect(await reply.text()).toContain("prompt is too long: 9 tokens > 8 maximum");
      expect((await entriesOf(rails))[0]?.state).toMatch(/^(released|unknown)$/);
    },
  );
});
