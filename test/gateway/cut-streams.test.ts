// @module-tag slow
import { expect, it } from "vitest";
import { entriesOf, TURNS, type TurnName, testGateway, turn } from "./gateway-on.ts";

/** What a client of each protocol takes for the end of a whole answer, and what for an error. */
const ENDS: Record<TurnName, { whole: RegExp; error: RegExp }> = {
  chat: { whole: /data: \[DONE\]/, error: /data: \{"error":.*\n\n$/ },
  completions: { whole: /data: \[DONE\]/, error: /data: \{"error":.*\n\n$/ },
  responses: { whole: /"type":"response\.completed"/, error: /"type":"response\.failed".*\n\n$/ },
  messages: { whole: /"type":"message_stop"/, error: /event: error\ndata: .*\n\n$/ },
  ollamaChat: { whole: /"done":true/, error: /\{"error":.*\}\n$/ },
  ollamaGenerate: { whole: /"done":true/, error: /\{"error":.*\}\n$/ },
};

it.each(Object.keys(TURNS) as TurnName[])(
  "a stream cut at any byte is never taken for whole, and is charged at its worst case: %s",
  async (name) => {
    const { url, servers, rails } = await testGateway({
      servers: [TURNS[name].server],
      budget: { day_micros: 1_000_000_000 },
      breaker: { failures: 1_000_000 },
    });
    const server = servers[TURNS[name].server];
    const { whole, error } = ENDS[name];
    server.script([{ type: "reply", text: "eins zwei ü" }]);
    const recorded = Buffer.from(await (await turn(url, name, { stream: true })).arrayBuffer());
    expect(recorded.toString()).toMatch(whole);
    const seen = { whole: 0, cut: 0 };
    for (let bytes = 1; bytes < recorded.byteLength; bytes += 1) {
      const ending = bytes % 2 === 0 ? "close" : "reset";
      server.script([{ type: "cutBytes", bytes, ending, text: "eins zwei ü" }]);
      const reply = await turn(url, name, { stream: true, user: `cut at ${bytes}` });
      const text = await reply.text();
      const said = `cut at ${bytes}: ${JSON.stringify(text)}`;
      // Of the end nothing but its empty line may be missing.
      if (whole.test(text)) {
        seen.whole += 1;
        continue;
      }
      seen.cut += 1;
      if (reply.status === 200) expect(text, said).toMatch(error);
      else expect(text, said).toContain("afk: ");
    }
    expect(seen.cut).toBeGreaterThan(recorded.byteLength / 2);
    expect(seen.whole).toBeLessThan(40);
    const states = (await entriesOf(rails)).map(({ state }) => state);
    expect(states.filter((state) => state === "sending")).toEqual([]);
    expect(states.filter((state) => state === "unknown").length).toBeGreaterThanOrEqual(seen.cut);
  },
  300_000,
);
