import { describe, expect, it } from "vitest";
import { anthropic } from "../../../../src/gateway/protocols/anthropic/anthropic.ts";
import { unifiedHeaders } from "../../../../src/gateway/protocols/anthropic/unified-headers.ts";
import type { CallRoute, Refusal } from "../../../../src/gateway/protocols/protocol.ts";
import { head, LISTED } from "../calls.ts";

const PATH = "/v1/messages";
const SENTENCE = "The cap of client laptop is reached.";
const CLAUDE = { "user-agent": "claude-cli/2.1.332 (external, sdk-cli)" };

const CASES: [refusal: Refusal, status: number, type: string][] = [
  [{ type: "cap", message: SENTENCE, resetsAtMs: 1 }, 402, "billing_error"],
  [
    { type: "cap_smaller", message: SENTENCE, resetsAtMs: 1, asked: 9_000, most: 5_000, model: "m" },
    402,
    "billing_error",
  ],
  [{ type: "busy", message: SENTENCE, retryAfterMs: 4_001 }, 429, "rate_limit_error"],
  [{ type: "killed", message: SENTENCE }, 403, "permission_error"],
  [{ type: "breaker", message: SENTENCE, retryAfterMs: 60_000 }, 529, "overloaded_error"],
  [{ type: "forbidden", message: SENTENCE, param: "tools[0]" }, 403, "permission_error"],
  [{ type: "model", message: SENTENCE, model: "m" }, 404, "not_found_error"],
  [{ type: "unavailable", message: SENTENCE }, 503, "api_error"],
  [{ type: "key", message: SENTENCE }, 401, "authentication_error"],
  [{ type: "route", message: SENTENCE }, 404, "not_found_error"],
  [{ type: "upgrade", message: SENTENCE }, 426, "invalid_request_error"],
  [{ type: "invalid", message: SENTENCE }, 400, "invalid_request_error"],
  [{ type: "too_large", message: SENTENCE }, 413, "request_too_large"],
  [{ type: "lost", message: SENTENCE }, 502, "api_error"],
];

const route = anthropic.routes.find((each): each is CallRoute => each.type === "call" && each.path === PATH)!;

describe("a refusal", () => {
  it.each(CASES)("of %j", (refusal, status, type) => {
    const path = refusal.type === "route" ? "/managed/settings" : PATH;
    const answer = anthropic.refuse(refusal, head(path));
    expect(answer.status).toBe(status);
    const isFinal = refusal.type === "breaker" || refusal.type === "unavailable";
    // For LangChain, which asks again without it.
    const code = isFinal ? { code: "insufficient_quota" } : {};
    expect(JSON.parse(answer.body)).toEqual({ type: "error", error: { type, message: SENTENCE }, ...code });
    const waits = refusal.type === "busy";
    expect(answer.headers).toEqual({
      "content-type": "application/json",
      ...(waits ? { "retry-after": "5" } : { "x-should-retry": "false" }),
    });
  });

  it.each(CASES)("ends a stream that has begun with one whole error event: %j", (refusal, _status, type) => {
    const path = refusal.type === "route" ? "/managed/settings" : PATH;
    const written = route.streamError(refusal, head(path));
    const [event, data, ...rest] = written.split("\n");
    expect(event).toBe("event: error");
    expect(rest).toEqual(["", ""]);
    const error = { type: "error", error: { type, message: SENTENCE } };
    expect(JSON.parse(data!.slice("data: ".length))).toEqual(error);
  });

  it("offers Claude Code, and nobody else, what still fits in the sentence that it reads", () => {
    const say = (most: number, headers: Record<string, string>) => {
      const model = "claude-sonnet-4-6";
      const refusal: Refusal = {
        type: "cap_smaller",
        message: SENTENCE,
        resetsAtMs: 1,
        asked: 32_000,
        most,
        model,
      };
      return JSON.parse(anthropic.refuse(refusal, head(PATH, headers)).body).error.message;
    };
    expect(say(5_000, CLAUDE)).toBe(
      "max_tokens: 32000 > 5000, which is the maximum allowed number of output tokens for claude-sonnet-4-6",
    );
    for (const [most, headers] of [
      [4_095, CLAUDE],
      [32_000, CLAUDE],
      [5_000, {}],
      [5_000, { "user-agent": "Anthropic/Python 2.14.0" }],
    ] as const)
      expect(say(most, headers)).toBe(SENTENCE);
  });

  it.each(["/v1/messages/batches", "/v1/files", "/v1/skills/a"])("says that %s is not offered", (path) => {
    const answer = anthropic.refuse({ type: "route", message: SENTENCE }, head(path));
    expect(answer).toMatchObject({ status: 501, headers: { "x-should-retry": "false" } });
    expect(JSON.parse(answer.body).error.type).toBe("not_supported");
  });
});

describe("routes", () => {
  const named = (type: "call" | "own") =>
    anthropic.routes.filter((each) => each.type === type).map(({ method, path }) => `${method} ${path}`);

  it("are these and no others", () => {
    expect(named("call")).toEqual([
      "POST /v1/messages",
      "POST /v1/messages/count_tokens",
      "POST /v1/v1/messages",
      "POST /v1/v1/messages/count_tokens",
      "POST /messages",
      "POST /messages/count_tokens",
    ]);
    expect(named("own")).toEqual([
      "GET /v1/models",
      "GET /v1/models/*",
      "HEAD /",
      "HEAD /api/hello",
      "POST /api/event_logging/batch",
    ]);
  });

  it("lead to one address at the provider, and only counting is free", () => {
    for (const each of anthropic.routes) {
      if (each.type !== "call") continue;
      const counts = each.path.endsWith("count_tokens");
      expect(each.isFree).toBe(counts);
      expect(each.upstreamPath("anthropic")).toBe(counts ? "/v1/messages/count_tokens" : "/v1/messages");
    }
  });

  it.each([
    [{}, false],
    [{ stream: false }, false],
    [{ stream: true }, true],
    [{ stream: 1 }, false],
  ])("stream where the body says so: %j", (said, isStreamed) => {
    expect(route.isStreamed(said)).toBe(isStreamed);
  });

  const answer = (method: string, path: string) => {
    const own = anthropic.routes.find(
      (each) =>
        each.type === "own" && each.method === method && (each.path === path || each.path.endsWith("/*")),
    );
    if (own?.type !== "own") throw new Error(`no route ${method} ${path}`);
    return own.answer(head(path, {}, method), LISTED);
  };

  it("list the models that speak the protocol", () => {
    const listed = answer("GET", "/v1/models");
    const entry = (id: string) => ({
      type: "model",
      id,
      display_name: id,
      created_at: "1970-01-01T00:00:00Z",
    });
    expect("body" in listed && JSON.parse(listed.body)).toEqual({
      data: [entry("small"), entry("qwen3:8b")],
      has_more: false,
      first_id: "small",
      last_id: "qwen3:8b",
    });
  });

  it.each(["small", "anthropic%2Fclaude-haiku-4-5", "anthropic/claude-haiku-4-5"])(
    "show the model %s",
    (name) => {
      const shown = answer("GET", `/v1/models/${name}`);
      expect("body" in shown && JSON.parse(shown.body).id).toBe(decodeURIComponent(name));
    },
  );

  it.each(["gpt-5", "nobody", "%E0%A4%A"])("know no model %s", (name) => {
    expect(answer("GET", `/v1/models/${name}`)).toMatchObject({ type: "model" });
  });

  it("answer what Claude Code asks before it asks a model", () => {
    for (const [method, path] of [
      ["HEAD", "/"],
      ["HEAD", "/api/hello"],
      ["POST", "/api/event_logging/batch"],
    ] as const)
      expect(answer(method, path)).toMatchObject({ status: 200 });
  });
});

describe("what Claude Code is told of its budget", () => {
  const cap = (spentMicros: number, capMicros = 1_000_000) =>
    unifiedHeaders({ capMicros, spentMicros, resetsAtMs: 1_700_000_000_001, window: "day" });

  it.each([
    [0, "allowed", "0.00", undefined],
    [749_999, "allowed", "0.74", undefined],
    [750_000, "allowed_warning", "0.75", "0.75"],
    [949_999, "allowed_warning", "0.94", "0.75"],
    [950_000, "allowed_warning", "0.95", "0.95"],
    [2_000_000, "allowed_warning", "1.00", "0.95"],
  ])("at %i of a million", (spent, status, utilization, threshold) => {
    const headers = cap(spent);
    expect(headers).toMatchObject({
      "anthropic-ratelimit-unified-status": status,
      "anthropic-ratelimit-unified-representative-claim": "overage",
      "anthropic-ratelimit-unified-reset": "1700000001",
      "anthropic-ratelimit-unified-overage-status": status,
      "anthropic-ratelimit-unified-overage-utilization": utilization,
      "anthropic-ratelimit-unified-overage-reset": "1700000001",
      "anthropic-ratelimit-unified-overage-period": "day",
    });
    expect(headers["anthropic-ratelimit-unified-overage-surpassed-threshold"]).toBe(threshold);
  });

  it("is all of a cap of nothing, and nothing without a cap", () => {
    expect(cap(0, 0)["anthropic-ratelimit-unified-overage-utilization"]).toBe("1.00");
    expect(unifiedHeaders(null)).toEqual({});
  });
});
