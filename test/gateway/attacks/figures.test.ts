import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { CALL_ROUTES } from "../../../src/gateway/routes.ts";
import { createFacts } from "../../../src/providers/ollama/facts.ts";

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
  it("is found out at the next look where the first one got no answer", async () => {
    let looks = 0;
    const server = createServer((_request, response) => {
      looks += 1;
      if (looks === 1) response.socket?.destroy();
      else response.end(JSON.stringify({ remote_host: "https://ollama.com" }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/show`);
    const facts = createFacts({
      url,
      headers: {},
      secrets: [],
      provider: "ollama",
      isFree: true,
      freeErrors: null,
      missingModelAdvice: null,
    });
    const call = { signal: new AbortController().signal, timeoutMs: 5_000, lastLook: async () => {} };
    expect((await facts.of("copied", call)).remoteHost).toBeNull();
    expect((await facts.of("copied", call)).remoteHost).toBe("https://ollama.com");
  });
});
