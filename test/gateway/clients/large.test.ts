// @module-tag processes
// @module-tag slow
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Behaviour, limitOf, toolTurn } from "../../../src/faults/model-answers.ts";
import { runBlocks } from "./support/blocks.ts";
import { expectBooked, openBreaker } from "./support/books.ts";
import { MODELS, type TestGateway, testGateway } from "./support/gateway.ts";
import { npmClients } from "./support/install.ts";
import { LARGE_CLIENTS, type LargeClient, runLarge, TOOL_OUTPUT } from "./support/large.ts";
import { measured } from "./support/measured.ts";

/** So long may a client go on by itself; what goes on for longer has not noticed. */
const PATIENCE_MS = 60_000;
const OUTPUT_TOKENS_MAX = 32_000;
const TEXT = "It has been said, and nothing else is to be done here.";

const { folder, reason } = await npmClients("large");

interface Seen {
  code: number | null;
  seconds: number;
  shown: string;
  requests: number;
  provider: number;
}

describe.skipIf(folder === null)(`large clients${reason === null ? "" : ` -- skipped: ${reason}`}`, () => {
  describe.each(LARGE_CLIENTS)("$name", (client) => {
    const endpointOf = (gateway: TestGateway) => gateway.providers[client.protocol];

    it("works a whole turn, streamed and with its own tool, and is booked as it is billed", async () => {
      const gateway = await open();
      endpointOf(gateway).otherwise(toolTurn(client.tool, TEXT));
      const seen = await run(client, gateway, "turn with a tool");
      expect(seen).toMatchObject({ code: 0, shown: expect.stringContaining(TEXT) });
      expect(seen.provider).toBe(seen.requests);
      expect(endpointOf(gateway).requests.at(-1)?.body).toContain(TOOL_OUTPUT);
      await expectBooked(gateway);
    });

    it("answers as docs/gateway.md points it here", async () => {
      const gateway = await open();
      endpointOf(gateway).otherwise({ type: "reply", text: TEXT });
      const path = [dirname(join(folder ?? "", "node_modules", client.binary))];
      const key = gateway.keyOf("tester");
      expect(await runBlocks([client.documented], { path, modules: null, url: gateway.url, key })).toContain(
        TEXT,
      );
      await expectBooked(gateway);
    });

    it("ends at its cap in the middle of a loop without end", async () => {
      const capUsd = 0.6;
      const gateway = await open({ poor: capUsd });
      let calls = 0;
      // Each call of the tool is another one, as a model's are that does not come to an end.
      endpointOf(gateway).otherwise(({ json }) => {
        if (!Array.isArray(json.tools) || json.tools.length === 0) return { type: "reply", text: TEXT };
        const [[key, command] = ["command", ""], ...more] = Object.entries(client.tool.arguments);
        const usage = { inputTokens: 30_000, outputTokens: Math.min(20_000, limitOf(json)) };
        const changed = Object.fromEntries([[key, `${command} ${++calls}`], ...more]);
        return { type: "reply", text: "", usage, toolCall: { ...client.tool, arguments: changed } };
      });
      const seen = await run(client, gateway, "cap", { key: gateway.keyOf("poor") });
      expectEnded(client, seen, client.capWords);
      expect(calls).toBeGreaterThan(1);
      expect(gateway.billMicros()).toBeLessThanOrEqual(capUsd * 1_000_000);
      await expectBooked(gateway);
    });

    it("ends when the switch is set in the middle of its stream", async () => {
      const gateway = await open();
      endpointOf(gateway).otherwise({ type: "slow", text: TEXT.repeat(20), everyMs: 100 });
      const running = start(client, gateway);
      await endpointOf(gateway).request(1);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const before = endpointOf(gateway).requests.length;
      const stoppedAt = performance.now();
      gateway.setStop();
      const seen = await finished(client, gateway, "kill in mid-stream", running);
      expect((performance.now() - stoppedAt) / 1_000).toBeLessThan(30);
      expect(seen.provider).toBe(before);
      expectEnded(client, { ...seen, provider: 0, requests: seen.requests - before }, client.killWords);
      expect(await gateway.booksMicros()).toBeGreaterThanOrEqual(gateway.billMicros());
    });

    it("ends when the switch is set before it begins", async () => {
      const gateway = await open();
      gateway.setStop();
      expectEnded(client, await run(client, gateway, "killed"), /stop|kill|switch/i);
    });

    it("ends at an open breaker", async () => {
      const gateway = await open();
      endpointOf(gateway).otherwise({ type: "error", status: 500 });
      await openBreaker(gateway, client.protocol);
      expectEnded(client, await run(client, gateway, "breaker open"), /not called until/);
    });

    it("ends with a key that nobody has", async () => {
      const gateway = await open();
      expectEnded(client, await run(client, gateway, "wrong key", { key: "k".repeat(24) }), /key/i);
      expect(gateway.billMicros()).toBe(0);
    });

    it.each<[string, Behaviour]>([
      ["reset", { type: "truncated", pieces: 5 }],
      ["ended as if it were whole", { type: "cut", pieces: 5 }],
    ])("does not go on and on where each stream is %s", async (title, behaviour) => {
      const gateway = await open();
      endpointOf(gateway).otherwise({ ...behaviour, text: TEXT });
      const seen = await run(client, gateway, `streams ${title}`);
      expect(seen.code).not.toBe(null);
      expect(seen.provider).toBeLessThanOrEqual(client.refusedMax);
      expect(await gateway.booksMicros()).toBeGreaterThanOrEqual(gateway.billMicros());
    });

    it("waits for a slow stream", async () => {
      const gateway = await open();
      endpointOf(gateway).otherwise({ type: "slow", text: TEXT, everyMs: 200 });
      const seen = await run(client, gateway, "slow stream");
      expect(seen).toMatchObject({ code: 0, shown: expect.stringContaining(TEXT) });
      await expectBooked(gateway);
    });
  });
});

function open(caps: Record<string, number> = {}): Promise<TestGateway> {
  return testGateway({ caps, outputTokensMax: OUTPUT_TOKENS_MAX });
}

function start(client: LargeClient, gateway: TestGateway, key = gateway.keyOf("tester")) {
  const target = { base: gateway.url, key, model: MODELS[client.protocol].name };
  return { ...runLarge(client, folder ?? "", target, PATIENCE_MS), before: countsOf(client, gateway) };
}

function run(
  client: LargeClient,
  gateway: TestGateway,
  title: string,
  { key }: { key?: string } = {},
): Promise<Seen> {
  return finished(client, gateway, title, start(client, gateway, key));
}

async function finished(
  client: LargeClient,
  gateway: TestGateway,
  title: string,
  running: ReturnType<typeof start>,
): Promise<Seen> {
  const { code, seconds } = await running.ended;
  const after = countsOf(client, gateway);
  const requests = after.requests - running.before.requests;
  const provider = after.provider - running.before.provider;
  const shown = running.shown();
  measured({
    client: client.name,
    case: title,
    requests,
    provider,
    seconds,
    words: shown.trim().slice(-300),
  });
  return { code, seconds, shown, requests, provider };
}

function countsOf(client: LargeClient, gateway: TestGateway) {
  return { requests: gateway.asked.length, provider: gateway.providers[client.protocol].requests.length };
}

/** It ended by itself, says why, and came back no more than so many times. */
function expectEnded(client: LargeClient, seen: Seen, words: RegExp): void {
  expect(seen.code).not.toBe(null);
  expect(seen.shown).toMatch(words);
  expect(seen.requests - seen.provider).toBeLessThanOrEqual(client.refusedMax);
}
