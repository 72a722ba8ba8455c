import { describe, expect, it } from "vitest";
import { Forbidden } from "../../../../src/gateway/protocols/forbidden.ts";
import { ollama } from "../../../../src/gateway/protocols/ollama/ollama.ts";
import type { AskedModel, CallRoute, Refusal } from "../../../../src/gateway/protocols/protocol.ts";
import type { Price } from "../../../../src/providers/types.ts";
import { asked, body, head, LISTED, local, png, rules } from "../calls.ts";

const SENTENCE = "The cap of client laptop is reached.";
const CLOUD_PRICE: Price = { input: 1, output: 4, cacheRead: 1, cacheWrite: 1 };

function call(path: string): CallRoute {
  const found = ollama.routes.find((each) => each.type === "call" && each.path === path);
  if (found?.type !== "call") throw new Error(`no call ${path}`);
  return found;
}

/** A model that Ollama runs on its own servers, at a price that the owner states. */
function cloud(price: Partial<Price> = {}): AskedModel {
  const name = {
    reference: "ollama/gpt-oss:120b-cloud",
    model: "gpt-oss:120b-cloud",
    providerType: "ollama",
  };
  return asked({ ...name, isOriginal: false, price: { ...CLOUD_PRICE, ...price } });
}

const CHAT = { model: "m", messages: [{ role: "user", content: "Hi" }] };
const bound = (said: Record<string, unknown>, model = local(), path = "/api/chat") =>
  call(path).bound(body({ ...CHAT, ...said }), model, rules());

function forbidden(said: Record<string, unknown>, model = cloud()): string {
  try {
    bound(said, model);
  } catch (error) {
    if (error instanceof Forbidden) return error.param;
    throw error;
  }
  return "passes";
}

describe("routes", () => {
  it("are these and no others: nothing fetches, makes or deletes a model", () => {
    expect(ollama.routes.map(({ type, method, path }) => `${type} ${method} ${path}`)).toEqual([
      "call POST /api/chat",
      "call POST /api/generate",
      "call POST /api/embed",
      "call POST /api/embeddings",
      "call POST /v1/api/chat",
      "call POST /v1/api/generate",
      "call POST /v1/api/embed",
      "call POST /v1/api/embeddings",
      "call POST /api/show",
      "call GET /api/version",
      "call GET /api/ps",
      "own GET /api/tags",
      "own GET /",
      "own HEAD /",
    ]);
    expect(
      ollama.routes.filter((each) => each.type === "call" && each.isFree).map(({ path }) => path),
    ).toEqual(["/api/show", "/api/version", "/api/ps"]);
  });

  it.each([
    ["/api/chat", {}, true],
    ["/api/chat", { stream: false }, false],
    ["/api/chat", { stream: null }, true],
    ["/api/generate", {}, true],
    ["/api/embed", {}, false],
    ["/api/show", {}, false],
  ])("%s streams unless it is told not to: %j", (path, said, isStreamed) => {
    expect(call(path).isStreamed(said)).toBe(isStreamed);
  });

  it("list the models that the client may use", () => {
    const own = ollama.routes.find(({ path }) => path === "/api/tags");
    const answer = own?.type === "own" ? own.answer(head("/api/tags"), LISTED.slice(1)) : null;
    const { models } = JSON.parse(answer !== null && "body" in answer ? answer.body : "");
    expect(models).toMatchObject([{ name: "qwen3:8b", model: "qwen3:8b", details: {} }]);
  });
});

describe("the limit of the output", () => {
  it.each([
    [undefined, { num_predict: 32_000 }],
    [null, { num_predict: 32_000 }],
    [{ temperature: 0 }, { temperature: 0, num_predict: 32_000 }],
    [{ num_predict: -1 }, { num_predict: 32_000 }],
    [{ num_predict: -2 }, { num_predict: 32_000 }],
    [{ num_predict: 0 }, { num_predict: 32_000 }],
    [{ num_predict: "90000" }, { num_predict: 32_000 }],
    [{ num_predict: 1e30 }, { num_predict: 32_000 }],
    [{ num_predict: 1e9 }, { num_predict: 32_000 }],
    [{ num_predict: 1.5 }, { num_predict: 32_000 }],
    ["odd", { num_predict: 32_000 }],
  ])("is put into options of %j", (options, pinned) => {
    for (const path of ["/api/chat", "/api/generate"]) {
      const found = bound({ options }, local(), path);
      expect(found.pins).toEqual({ options: pinned });
      expect(found.outputTokensMax).toBe(32_000);
    }
  });

  it("stays as the client states it", () => {
    expect(bound({ options: { num_predict: 50, seed: 1 } })).toMatchObject({ pins: {}, outputTokensMax: 50 });
  });

  it("is nothing for embeddings, which have no options put in", () => {
    for (const path of ["/api/embed", "/api/embeddings"])
      expect(bound({ input: ["a", "b"] }, cloud(), path)).toMatchObject({
        pins: {},
        outputTokensMax: 0,
        outputMicros: 0,
      });
  });
});

describe("what a call can take", () => {
  it("is counted in tokens for a model that costs nothing, pictures by their bytes", () => {
    const images = [png(100, 100).repeat(100)];
    const found = bound({
      messages: [{ role: "user", content: "Hi", images }],
      options: { num_predict: 10 },
    });
    expect(found).toMatchObject({ estimateMicros: 0, outputMicros: 0 });
    expect(found.estimateTokens).toBeGreaterThan(8_800);
  });

  it("is priced for a model that runs at Ollama", () => {
    const said = { ...CHAT, options: { num_predict: 100 } };
    const tokens = Buffer.byteLength(JSON.stringify(said)) + 32;
    expect(bound(said, cloud())).toMatchObject({
      estimateTokens: tokens + 100,
      outputMicros: 400,
      estimateMicros: tokens + 400 + 6,
    });
  });

  it("is the context window where a picture is shown, and refused where that is not known", () => {
    const shown = { messages: [{ role: "user", content: "Hi", images: ["a"] }], options: { num_predict: 1 } };
    expect(bound(shown, cloud({ contextWindow: 128_000 })).estimateTokens).toBe(128_001);
    expect(forbidden(shown)).toBe("messages[0].images");
    expect(forbidden({ images: ["a"] })).toBe("images");
  });

  it.each([
    ["a picture to make", { width: 512 }, "width"],
    ["a tool that is no function", { tools: [{ type: "web_search" }] }, "tools[0]"],
    ["a key of a message in capitals", { messages: [{ role: "user", Images: ["a"] }] }, "messages[0]"],
    ["another spelling of the model's key", { Model: "other:cloud" }, "Model"],
    ["another spelling of options", { OPTIONS: { num_predict: -1 } }, "OPTIONS"],
    ["another spelling in other letters", { optionſ: { num_predict: -1 } }, "optionſ"],
  ])("is refused with %s", (_, said, param) => {
    expect(forbidden(said)).toBe(param);
  });

  it("is refused with another spelling of the model's key even where the named model costs nothing", () => {
    expect(forbidden({ Model: "gpt-oss:120b-cloud" }, local())).toBe("Model");
    expect(forbidden({ tools: [{ type: "web_search" }], width: 1 }, local())).toBe("passes");
  });

  it("is at the dearest tier with a key that is not known", () => {
    const plain = bound({}, cloud({ tiers: { fast: 3 } })).outputMicros;
    expect(bound({ teleport: 1 }, cloud({ tiers: { fast: 3 } })).outputMicros).toBe(3 * plain);
  });
});

const line = (said: object) =>
  `${JSON.stringify({ model: "qwen3:8b", created_at: "2026-01-01T00:00:00Z", ...said })}\n`;
const part = (content: string) => line({ message: { role: "assistant", content }, done: false });
const last = (said: object = { prompt_eval_count: 26, eval_count: 9 }) =>
  line({ message: { role: "assistant", content: "" }, done: true, done_reason: "stop", ...said });

function read(stream: string | Buffer) {
  const reader = call("/api/chat").reader({ hidesUsage: false });
  const bytes = Buffer.from(stream);
  let from = 0;
  for (let at = bytes.indexOf("\n"); at !== -1; at = bytes.indexOf("\n", from)) {
    expect(reader.take(bytes.subarray(from, at))).toBe("pass");
    from = at + 1;
  }
  const end = reader.end();
  expect(end.isComplete).toBe(reader.isComplete());
  return end;
}

const USAGE = { inputTokens: 26, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 9 };
const tool = (args: object) => ({
  message: { role: "assistant", content: "", tool_calls: [{ function: { name: "f", arguments: args } }] },
});

describe("a stream", () => {
  const RECORDED =
    part('"done":true 字') + line({ ...tool({ done: true, error: "no" }), done: false }) + part("b") + last();

  it("is complete only with its last line, at whatever byte it is cut, and only then has figures", () => {
    const bytes = Buffer.from(RECORDED);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { isComplete, figures, error } = read(bytes.subarray(0, cut));
      expect([cut, isComplete]).toEqual([cut, cut === bytes.length]);
      expect([cut, "unknown" in figures]).toEqual([cut, cut < bytes.length]);
      expect(error).toBeNull();
    }
    const said = { figures: USAGE, model: "qwen3:8b", error: null, remoteHost: null };
    expect(read(RECORDED)).toEqual({ isComplete: true, ...said });
  });

  it.each([
    ["all counts", { prompt_eval_count: 26, eval_count: 9 }, USAGE],
    ["no count of input", { eval_count: 9 }, { ...USAGE, inputTokens: 0 }],
    ["no counts", {}, { ...USAGE, inputTokens: 0, outputTokens: 0 }],
    [
      "a call that looks unfinished",
      { ...tool({ done: false }), prompt_eval_count: 26, eval_count: 9 },
      USAGE,
    ],
  ])("with %s in its last line", (_, said, figures) => {
    expect(read(part("a") + last(said))).toMatchObject({ isComplete: true, figures });
  });

  it.each([{ eval_count: -1 }, { eval_count: 1.5 }, { prompt_eval_count: "26" }, { eval_count: 1e12 }])(
    "with counts that are none has unknown figures: %j",
    (said) => {
      expect(read(last(said)).figures).toHaveProperty("unknown");
    },
  );

  it("that ends with an error under status 200 is not complete", () => {
    const said = read(part("a") + line({ error: "llama runner process has terminated" }));
    expect(said).toMatchObject({ isComplete: false, error: "llama runner process has terminated" });
    expect(read(line({ error: "no" }) + last())).toMatchObject({ isComplete: false, error: "no" });
  });
});

describe("a whole reply", () => {
  it.each([
    ["/api/chat", { done: true, prompt_eval_count: 26, eval_count: 9 }, USAGE],
    ["/api/generate", { done: true, prompt_eval_count: 26, eval_count: 9 }, USAGE],
    ["/api/embed", { embeddings: [], prompt_eval_count: 26 }, { ...USAGE, outputTokens: 0 }],
    ["/api/show", { details: {} }, { ...USAGE, inputTokens: 0, outputTokens: 0 }],
  ])("of %s says its figures", (path, said, figures) => {
    expect(call(path).figures(said)).toMatchObject({ figures, error: null });
  });

  it.each([
    ["/api/chat", { done: false, prompt_eval_count: 26, eval_count: 9 }],
    ["/api/chat", "text"],
    ["/api/embeddings", { embedding: [1] }],
  ])("of %s without figures has none: %j", (path, said) => {
    expect(call(path).figures(said).figures).toHaveProperty("unknown");
  });

  it("says an error", () => {
    expect(call("/api/chat").figures({ error: "model not found" })).toMatchObject({
      error: "model not found",
    });
  });
});

describe("a refusal", () => {
  it.each<[Refusal, number]>([
    [{ type: "cap", message: SENTENCE, resetsAtMs: 1 }, 402],
    [{ type: "cap_smaller", message: SENTENCE, resetsAtMs: 1, asked: 9, most: 5, model: "m" }, 402],
    [{ type: "busy", message: SENTENCE, retryAfterMs: 4_001 }, 429],
    [{ type: "killed", message: SENTENCE }, 403],
    [{ type: "breaker", message: SENTENCE, retryAfterMs: 60_000 }, 503],
    [{ type: "forbidden", message: SENTENCE, param: "tools[0]" }, 400],
    [{ type: "model", message: SENTENCE, model: "m" }, 404],
    [{ type: "unavailable", message: SENTENCE }, 503],
    [{ type: "key", message: SENTENCE }, 401],
    [{ type: "route", message: SENTENCE }, 404],
    [{ type: "upgrade", message: SENTENCE }, 426],
    [{ type: "invalid", message: SENTENCE }, 400],
    [{ type: "too_large", message: SENTENCE }, 413],
    [{ type: "lost", message: SENTENCE }, 502],
  ])("of %j", (refusal, status) => {
    const answer = ollama.refuse(refusal, head("/api/chat"));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ error: SENTENCE });
    expect(answer.headers["x-should-retry"]).toBe(refusal.type === "busy" ? undefined : "false");
    const waits = { busy: "5", breaker: "60" }[refusal.type as string];
    expect(answer.headers["retry-after"]).toBe(waits);
    expect(call("/api/chat").streamError(refusal, head("/api/chat"))).toBe(`{"error":"${SENTENCE}"}\n`);
  });
});
