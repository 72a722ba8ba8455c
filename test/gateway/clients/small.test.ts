// @module-tag processes
// @module-tag slow
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Behaviour, toolTurn } from "../../../src/faults/model-answers.ts";
import type { ProtocolName } from "../../../src/faults/model-protocols.ts";
import { expectBooked, openBreaker } from "./support/books.ts";
import { MODELS, type TestGateway, testGateway } from "./support/gateway.ts";
import { type Installed, npmClients, pythonClients } from "./support/install.ts";
import { measured } from "./support/measured.ts";
import { npmProgram, type Outcome, type Program, pythonProgram } from "./support/program.ts";

/** What a client may still ask for once it was refused. */
const REQUESTS_AFTER_REFUSAL_MAX = 3;
/** So long may a client take to give up. */
const GIVE_UP_SECONDS_MAX = 20;
const TEMPERATURE = { name: "temperature", arguments: { city: "Cologne" } };
const TEXT = "It is sunny in Cologne today.";
const USAGE = { inputTokens: 200, outputTokens: 250 };
const TURNS = ["plain", "stream"] as const;

const NPM: [name: string, protocol: ProtocolName][] = [
  ["openai", "openai"],
  ["openai-responses", "openai"],
  ["ai-openai", "openai"],
  ["ai-openai-compatible", "openai"],
  ["langchain-openai", "openai"],
  ["anthropic", "anthropic"],
  ["ai-anthropic", "anthropic"],
  ["langchain-anthropic", "anthropic"],
  ["ollama", "ollama"],
];
const PYTHON: [name: string, protocol: ProtocolName][] = [
  ["openai", "openai"],
  ["openai-responses", "openai"],
  ["langchain-openai", "openai"],
  ["anthropic", "anthropic"],
  ["langchain-anthropic", "anthropic"],
  ["ollama", "ollama"],
];

describeClients("npm", NPM, await npmClients("npm"), npmProgram);
describeClients("PyPI", PYTHON, await pythonClients(), pythonProgram);

/** What every client is put through: turns that work, and each way in which one is stopped. */
function describeClients(
  registry: string,
  clients: [name: string, protocol: ProtocolName][],
  { folder, reason }: Installed,
  start: (folder: string, name: string) => Program,
): void {
  const title = `from ${registry}${reason === null ? "" : ` -- skipped: ${reason}`}`;
  describe.skipIf(folder === null).each(clients)(`%s ${title}`, (name, protocol) => {
    let program: Program;
    beforeAll(() => {
      program = start(folder ?? "", name);
    });
    afterAll(() => program.end());

    const model = MODELS[protocol].name;
    const ask = async (gateway: TestGateway, turn: "plain" | "stream" | "tools", more: Ask = {}) => {
      const { key = gateway.keyOf("tester"), title = turn, onPiece } = more;
      const before = requestsOf(gateway, protocol);
      const asked = { base: gateway.url, key, model, turn };
      const outcome = await program.turn(asked, onPiece === undefined ? {} : { onPiece });
      const requests = gateway.asked.length - before.gateway;
      const provider = gateway.providers[protocol].requests.length - before.provider;
      const words = outcome.error ?? outcome.text ?? "";
      measured({
        client: `${name} (${registry})`,
        case: title,
        requests,
        provider,
        seconds: outcome.seconds,
        words,
      });
      return { ...outcome, requests, provider };
    };

    it("answers whole, streamed and with a tool, and its calls are booked as they are billed", async () => {
      const gateway = await testGateway();
      gateway.providers[protocol].otherwise(toolTurn(TEMPERATURE, TEXT));
      for (const [turn, requests] of [
        ["plain", 1],
        ["stream", 1],
        ["tools", 2],
      ] as const) {
        expect(await ask(gateway, turn)).toMatchObject({ text: TEXT, requests, provider: requests });
      }
      await expectBooked(gateway);
    });

    it("ends at its cap, which its provider's bill never exceeds", async () => {
      const capUsd = 0.004;
      const gateway = await testGateway({ caps: { poor: capUsd } });
      gateway.providers[protocol].otherwise({ type: "reply", text: TEXT, usage: USAGE });
      for (const turn of TURNS) {
        const refused = await untilRefused(() =>
          ask(gateway, turn, { key: gateway.keyOf("poor"), title: `cap, ${turn}` }),
        );
        expect(refused.error).toMatch(/cap/);
        expectEnded(refused, 0);
        expect(gateway.billMicros()).toBeGreaterThan(0);
        expect(gateway.billMicros()).toBeLessThanOrEqual(capUsd * 1_000_000);
      }
      await expectBooked(gateway);
    });

    it("ends when the switch is set in the middle of its stream", async () => {
      const gateway = await testGateway();
      const slow: Behaviour = { type: "slow", text: TEXT, usage: USAGE, everyMs: 300 };
      gateway.providers[protocol].otherwise(slow);
      let stoppedAt = Number.POSITIVE_INFINITY;
      const onPiece = () => {
        stoppedAt = performance.now();
        gateway.setStop();
      };
      const killed = await ask(gateway, "stream", { title: "kill in mid-stream", onPiece });
      expect((performance.now() - stoppedAt) / 1_000).toBeLessThan(GIVE_UP_SECONDS_MAX);
      expect(killed.error).toMatch(/stop|kill|switch/i);
      expectEnded(killed, 1);
      for (const turn of TURNS) {
        const refused = await ask(gateway, turn, { title: `killed, ${turn}` });
        expect(refused.error).toMatch(/stop|kill|switch/i);
        expectEnded(refused, 0);
      }
      expect(await gateway.booksMicros()).toBeGreaterThanOrEqual(gateway.billMicros());
    });

    it("ends at an open breaker", async () => {
      const gateway = await testGateway();
      const endpoint = gateway.providers[protocol];
      endpoint.otherwise({ type: "error", status: 500 });
      await openBreaker(gateway, protocol);
      const refused = await ask(gateway, "stream", { title: "breaker open" });
      expect(refused.error).toMatch(/not called until/);
      expectEnded(refused, 0);
    });

    it("ends with a key that nobody has", async () => {
      const gateway = await testGateway();
      const refused = await ask(gateway, "plain", { key: "k".repeat(24), title: "wrong key" });
      expect(refused.error).toMatch(/key/i);
      expectEnded(refused, 0);
      expect(gateway.billMicros()).toBe(0);
    });

    it.each<[string, Behaviour]>([
      ["reset", { type: "truncated", pieces: 4 }],
      ["ended as if it were whole", { type: "cut", pieces: 4 }],
    ])("takes no stream for complete that its provider has %s", async (title, behaviour) => {
      const gateway = await testGateway();
      gateway.providers[protocol].otherwise({ ...behaviour, text: TEXT, usage: USAGE });
      const cut = await ask(gateway, "stream", { title: `stream ${title}` });
      expect(cut.error).toBeDefined();
      expectEnded(cut, REQUESTS_AFTER_REFUSAL_MAX);
      expect(await gateway.booksMicros()).toBeGreaterThanOrEqual(gateway.billMicros());
    });

    it("waits for a slow stream, and shows its beginning at once", async () => {
      const gateway = await testGateway();
      const slow: Behaviour = { type: "slow", text: TEXT, everyMs: 150 };
      gateway.providers[protocol].otherwise(slow);
      let hasBegun = false;
      const onPiece = () => {
        hasBegun = gateway.providers[protocol].requests[0]?.isOver === false;
      };
      expect(await ask(gateway, "stream", { title: "slow stream", onPiece })).toMatchObject({ text: TEXT });
      expect(hasBegun).toBe(true);
      await expectBooked(gateway);
    });
  });
}

interface Ask {
  key?: string;
  title?: string;
  onPiece?: () => void;
}

type Counted = Outcome & { requests: number; provider: number };

function requestsOf(gateway: TestGateway, protocol: ProtocolName) {
  return { gateway: gateway.asked.length, provider: gateway.providers[protocol].requests.length };
}

/** The client gave up by itself, soon, and its provider was asked no more than that. */
function expectEnded(refused: Counted, providerMax: number): void {
  expect(refused.requests).toBeLessThanOrEqual(REQUESTS_AFTER_REFUSAL_MAX);
  expect(refused.provider).toBeLessThanOrEqual(providerMax);
  expect(refused.seconds).toBeLessThan(GIVE_UP_SECONDS_MAX);
}

async function untilRefused(ask: () => Promise<Counted>): Promise<Counted> {
  for (let turn = 0; turn < 20; turn++) {
    const outcome = await ask();
    if (outcome.error !== undefined) return outcome;
  }
  throw new Error("the client was never refused");
}
