import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { CALL_ROUTES } from "../../../src/gateway/routes.ts";
import { createFacts, requireLocal } from "../../../src/providers/ollama/facts.ts";
import { entriesOf, type TurnName, testGateway, turn } from "../gateway-on.ts";

/** What the reader of a path makes of these events. */
function figuresOf(path: string, events: readonly object[]) {
  const route = CALL_ROUTES.find((each) => each.path === path);
  const reader = route?.reader({ hidesUsage: false });
  for (const said of events) {
    const json = JSON.stringify(said);
    reader?.take(Buffer.from(route?.framing === "ndjson" ? json : `data: ${json}`));
  }
  return reader?.end().figures;
}

const start = (input: number) => ({
  type: "message_start",
  message: { model: "x", usage: { input_tokens: input, output_tokens: 1 } },
});
const delta = (output: number) => ({
  type: "message_delta",
  delta: { stop_reason: "end_turn" },
  usage: { output_tokens: output },
});
const stop = { type: "message_stop" };
const completed = (tokens: number) => ({
  type: "response.completed",
  response: { usage: { input_tokens: 10, output_tokens: tokens } },
});
const done = (tokens: number) => ({ model: "x", done: true, prompt_eval_count: 9, eval_count: tokens });

describe("figures that contradict those of before", () => {
  it.each([
    ["fewer tokens of output", [start(9), delta(5_000), delta(1), stop]],
    ["a second beginning", [start(90_000), start(1), delta(5), stop]],
  ])("are not believed of a message: %s", (_, events) => {
    expect(figuresOf("/v1/messages", events)).toHaveProperty("unknown");
  });

  it("are not believed of a response that ends twice", () => {
    expect(figuresOf("/v1/responses", [completed(5_000), completed(1)])).toHaveProperty("unknown");
    expect(figuresOf("/v1/responses", [completed(5_000)])).toMatchObject({ outputTokens: 5_000 });
  });

  it("are not believed of a chat at Ollama that ends twice", () => {
    expect(figuresOf("/api/chat", [done(5_000), done(1)])).toHaveProperty("unknown");
    expect(figuresOf("/api/chat", [done(5_000)])).toMatchObject({ outputTokens: 5_000 });
  });
});

describe("a model of Ollama's that runs elsewhere", () => {
  const REMOTE = { remote_host: "https://ollama.com" };
  const call = { signal: new AbortController().signal, timeoutMs: 5_000, lastLook: async () => {} };

  /** What a server says of its models, and how often it was asked. */
  async function facing(answer: (response: ServerResponse, looks: number) => void) {
    const seen = { looks: 0 };
    const clock = { nowMs: 0 };
    const server = createServer((_request, response) => {
      seen.looks += 1;
      answer(response, seen.looks);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/show`);
    const rules = { isFree: true, freeErrors: null, missingModelAdvice: null };
    const facts = createFacts(
      { url, headers: {}, secrets: [], provider: "ollama", ...rules },
      { uptimeMs: () => clock.nowMs },
    );
    return { facts, seen, clock };
  }

  it("is found out at the next look where the first one got no answer, and is not called before", async () => {
    const { facts } = await facing((response, looks) => {
      if (looks === 1) response.socket?.destroy();
      else response.end(JSON.stringify(REMOTE));
    });
    const first = await facts.of("copied", call);
    expect(first.unanswered).toMatchObject({ charge: "none" });
    expect(() => requireLocal("ollama/copied", first)).toThrow("did not say");
    expect((await facts.of("copied", call)).remoteHost).toBe("https://ollama.com");
  });

  it("is found out once it is there, where the server did not have it before", async () => {
    const { facts } = await facing((response, looks) => {
      if (looks === 1) response.writeHead(404).end(JSON.stringify({ error: "model 'later' not found" }));
      else response.end(JSON.stringify(REMOTE));
    });
    expect(await facts.of("later", call)).toMatchObject({ remoteHost: null, unanswered: null });
    expect((await facts.of("later", call)).remoteHost).toBe("https://ollama.com");
  });

  it("is found out a minute after it took the place of another", async () => {
    const { facts, clock, seen } = await facing((response, looks) =>
      response.end(JSON.stringify(looks === 1 ? { capabilities: [] } : REMOTE)),
    );
    for (const nowMs of [0, 30_000, 59_999]) {
      clock.nowMs = nowMs;
      expect((await facts.of("swapped", call)).remoteHost).toBeNull();
    }
    expect(seen.looks).toBe(1);
    clock.nowMs = 60_000;
    expect((await facts.of("swapped", call)).remoteHost).toBe("https://ollama.com");
  });

  it("is kept in mind for a bounded number of names", async () => {
    const { facts, seen } = await facing((response) => response.end("{}"));
    for (let n = 0; n < 501; n += 1) await facts.of(`made-up-${n}`, call);
    await facts.of("made-up-500", call);
    expect(seen.looks).toBe(501);
    await facts.of("made-up-0", call);
    expect(seen.looks).toBe(502);
  });

  const TURNS: [TurnName, object][] = [
    ["ollamaChat", { message: { role: "assistant", content: "hi" } }],
    ["ollamaGenerate", { response: "hi" }],
  ];
  it.each(TURNS.flatMap(([name, text]) => [true, false].map((stream) => ({ name, text, stream }))))(
    "is not free where only its reply says so: $name, streamed: $stream",
    async ({ name, text, stream }) => {
      const { url, servers, rails } = await testGateway();
      const line = { model: "copied", ...text, done: true, prompt_eval_count: 9, eval_count: 3, ...REMOTE };
      const type = { "content-type": stream ? "application/x-ndjson" : "application/json" };
      servers.ollama.script([{ type: "raw", body: `${JSON.stringify(line)}\n`, headers: type }]);
      expect(await (await turn(url, name, { model: "ollama/copied", stream })).text()).toContain("hi");
      await expect.poll(async () => (await entriesOf(rails))[0]?.state).toBe("unknown");
      expect((await turn(url, name, { model: "ollama/copied", stream, seed: 2 })).status).toBe(503);
      expect(servers.ollama.requests).toHaveLength(1);
    },
  );

  it("costs what its owner has stated", async () => {
    const prices = { "ollama/copied": { input: 1, output: 4 } };
    const { url, servers, rails } = await testGateway({ models: { prices } });
    const line = {
      model: "copied",
      message: { content: "hi" },
      done: true,
      prompt_eval_count: 9,
      eval_count: 3,
    };
    servers.ollama.script([{ type: "raw", body: JSON.stringify({ ...line, ...REMOTE }) }]);
    expect((await turn(url, "ollamaChat", { model: "ollama/copied", stream: false })).status).toBe(200);
    expect(await entriesOf(rails)).toMatchObject([{ state: "settled", cost_micros: 21 }]);
  });
});
