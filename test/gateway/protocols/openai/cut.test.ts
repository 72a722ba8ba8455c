// @module-tag slow
import { describe, expect, it } from "vitest";
import { parseSse } from "../../../../src/gateway/protocols/sse.ts";
import { entriesOf, testGateway, turn } from "../../gateway-on.ts";

/** So many cuts of each stream; their places are spread over all of it, and fall into every part of an event. */
const STEP = 11;

/** What a client that follows the standard makes of a stream: only what an empty line has ended. */
function eventsOf(text: string): unknown[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .map((event) => parseSse(Buffer.from(event)).data)
    .filter((data) => data !== null)
    .map((data) => (data === "[DONE]" ? data : (JSON.parse(data) as unknown)));
}

const isError = (event: unknown) => /^\{"(error|type":"response\.failed)"/.test(JSON.stringify(event));
const isEnd = (event: unknown) => event === "[DONE]" || /"response\.completed"/.test(JSON.stringify(event));

describe.each(["chat", "completions", "responses"] as const)("a provider's stream of %s", (name) => {
  it.each(["close", "reset"] as const)(
    "that is cut anywhere (%s) stays readable, and ends as an error",
    async (ending) => {
      const { url, rails, servers } = await testGateway({
        gateway: { replays: false },
        breaker: { failures: 100_000 },
        budget: { day_micros: 1_000_000_000 },
      });
      const text = "wörd of two";
      servers.openai.script([{ type: "reply", text }]);
      const whole = await (
        await turn(url, name, { stream: true, stream_options: { include_usage: true } })
      ).text();
      expect(isEnd(eventsOf(whole).at(-1))).toBe(true);
      const length = Buffer.byteLength(whole);
      const wrong: string[] = [];
      // Without the last line's end it is whole all the same.
      for (let bytes = 1; bytes < length - 2; bytes += STEP) {
        servers.openai.script([{ type: "cutBytes", text, bytes, ending }]);
        const cut = await (
          await turn(url, name, { stream: true, seed: bytes, stream_options: { include_usage: true } })
        ).text();
        try {
          const events = eventsOf(cut);
          const isWhole = events.some(isEnd);
          const last = events.at(-1);
          if (isWhole || !isError(last)) wrong.push(`${bytes} of ${length}: ${cut.slice(-200)}`);
        } catch (error) {
          wrong.push(`${bytes} of ${length}: ${String(error)}: ${cut.slice(-200)}`);
        }
      }
      expect(wrong.slice(0, 5)).toEqual([]);
      await expect
        .poll(async () =>
          (await entriesOf(rails)).filter(({ state }) => state === "sending" || state === "reserved"),
        )
        .toEqual([]);
    },
  );
});
