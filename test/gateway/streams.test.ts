import { describe, expect, it } from "vitest";
import { setKill } from "../../src/rails/kill.ts";
import { besides } from "../support/rails.ts";
import { entriesOf, TURNS, type TurnName, testGateway, turn } from "./gateway-on.ts";

const STREAMED = Object.keys(TURNS) as TurnName[];
/** What a client of each protocol takes for an error in the middle of a stream. */
const ERRORS: Record<TurnName, RegExp> = {
  chat: /data: \{"error":/,
  completions: /data: \{"error":/,
  responses: /"type":"response\.failed"/,
  messages: /event: error\n/,
  ollamaChat: /^\{"error":/m,
  ollamaGenerate: /^\{"error":/m,
};
const ENDS = /\[DONE\]|response\.completed|message_stop|"done":true/;

describe("a stream that breaks off", () => {
  it.each(STREAMED)("ends as the protocol's error, never as a whole answer: %s", async (name) => {
    const { url, rails, servers } = await testGateway();
    const server = servers[TURNS[name].server];
    for (const behaviour of [
      { type: "cut", pieces: 2 },
      { type: "truncated", pieces: 2 },
      { type: "cutBytes", bytes: 150, ending: "reset" },
    ] as const) {
      server.script([{ ...behaviour, text: "one two three four five six" }]);
      const text = await (await turn(url, name, { stream: true, seed: behaviour.type.length })).text();
      expect(text).toMatch(ERRORS[name]);
      expect(text).not.toMatch(ENDS);
    }
    await expect
      .poll(async () => (await entriesOf(rails)).map(({ state }) => state))
      .toEqual(["unknown", "unknown", "unknown"]);
  });

  it.each(STREAMED)("by the kill switch ends within a second, and no byte comes later: %s", async (name) => {
    const { url, rails, servers } = await testGateway();
    const server = servers[TURNS[name].server];
    server.script([{ type: "slow", text: "word ".repeat(1_000), everyMs: 20 }]);
    const reply = await turn(url, name, { stream: true });
    const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader?.read())?.value ?? "";
    const person = await besides(rails);
    await person.store.atomically((trx) =>
      setKill(trx, person.outbox.announce, "enough", person.clock.nowMs()),
    );
    const setAt = performance.now();
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
      text += part.value;
    expect(performance.now() - setAt).toBeLessThan(2_000);
    expect(text).toMatch(ERRORS[name]);
    expect(text).toContain("afk resume");
    expect(text).not.toMatch(ENDS);
    await server.requests[0]?.closed;
    await expect.poll(async () => (await entriesOf(rails)).map(({ state }) => state)).toEqual(["unknown"]);
    expect((await turn(url, name)).status).toBe(403);
    expect(server.requests).toHaveLength(1);
  });

  it.each(STREAMED)("at the client is read to its end, so that its cost is known: %s", async (name) => {
    const { url, rails, servers } = await testGateway();
    const server = servers[TURNS[name].server];
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    server.script([
      { type: "slow", text: "one two three four", gate: (piece) => (piece > 1 ? gate : Promise.resolve()) },
    ]);
    const abort = new AbortController();
    const reply = await turn(url, name, { stream: true }, {}, abort.signal);
    await reply.body?.getReader().read();
    abort.abort();
    await new Promise((resolve) => setTimeout(resolve, 100));
    go();
    await expect.poll(async () => (await entriesOf(rails)).map(({ state }) => state)).toEqual(["settled"]);
  });

  it.each(STREAMED)(
    "at the client is cut where the owner wants that, and stays charged: %s",
    async (name) => {
      const { url, rails, servers } = await testGateway({ gateway: { onDisconnect: "abort" } });
      servers[TURNS[name].server].script([{ type: "slow", text: "word ".repeat(1_000), everyMs: 20 }]);
      const abort = new AbortController();
      const reply = await turn(url, name, { stream: true }, {}, abort.signal);
      await reply.body?.getReader().read();
      abort.abort();
      await expect.poll(async () => (await entriesOf(rails)).map(({ state }) => state)).toEqual(["unknown"]);
      await servers[TURNS[name].server].requests[0]?.closed;
    },
  );
});

it("a reply that its provider calls failed is booked by the figures that it gives", async () => {
  const { url, rails, servers } = await testGateway({ servers: ["openai"] });
  const response = { status: "failed", model: "test", error: { code: "server_error", message: "it broke" } };
  const usage = { input_tokens: 100, output_tokens: 10, total_tokens: 110 };
  const body = `event: response.failed\ndata: ${JSON.stringify({ type: "response.failed", response: { ...response, usage } })}\n\n`;
  servers.openai.script([{ type: "raw", body, headers: { "content-type": "text/event-stream" } }]);
  const reply = await turn(url, "responses", { stream: true });
  expect(await reply.text()).toBe(body);
  await expect
    .poll(async () => (await entriesOf(rails))[0])
    .toMatchObject({ state: "settled", cost_micros: 140 });
});
