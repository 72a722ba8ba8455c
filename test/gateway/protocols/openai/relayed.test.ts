import { describe, expect, it } from "vitest";
import { entriesOf, testGateway, turn } from "../../gateway-on.ts";

const EXTRA = /data: \{[^\n]*"choices":\[\][^\n]*"usage":\{[^\n]*\n\n/;

describe("a streamed chat through the gateway", () => {
  it("is the provider's own bytes, but for figures that the client did not ask for", async () => {
    const { url, rails, servers } = await testGateway({ gateway: { replays: false } });
    const answers = () => servers.openai.script([{ type: "reply", text: "one two" }]);
    answers();
    const asked = await (
      await turn(url, "chat", { stream: true, stream_options: { include_usage: true } })
    ).text();
    answers();
    const unasked = await (await turn(url, "chat", { stream: true })).text();
    expect(asked).toMatch(EXTRA);
    expect(unasked).toBe(asked.replace(EXTRA, ""));
    await expect
      .poll(async () => (await entriesOf(rails)).map(({ state }) => state))
      .toEqual(["settled", "settled"]);
    const [first, second] = await entriesOf(rails);
    expect(second?.cost_micros).toBe(first?.cost_micros);
    expect(first?.cost_micros).toBeGreaterThan(0);
  });

  it("sends the limit that was reserved, and every other byte as the client wrote it", async () => {
    const { url, servers } = await testGateway();
    servers.openai.script([{ type: "reply", text: "one" }]);
    await (await turn(url, "chat", { temperature: 0.1, "odd key": { b: 1, a: [2] } })).text();
    const sent = String(servers.openai.requests[0]?.body);
    expect(JSON.parse(sent)).toMatchObject({ max_tokens: 1_000, temperature: 0.1 });
    expect(sent).toContain('"temperature":0.1,"odd key":{"b":1,"a":[2]}');
  });
});
