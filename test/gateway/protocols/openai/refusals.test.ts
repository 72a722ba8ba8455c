import { describe, expect, it } from "vitest";
import { openai } from "../../../../src/gateway/protocols/openai/openai.ts";
import type { Refusal } from "../../../../src/gateway/protocols/protocol.ts";
import { head, route } from "./asked.ts";

const message = "The day's cap of $1.00 is reached until 00:00 UTC; raise it, or wait.";
const RESETS_AT_MS = 1_796_083_200_000;

const REFUSALS: Record<string, Refusal> = {
  cap: { type: "cap", message, resetsAtMs: RESETS_AT_MS },
  smaller: { type: "cap_smaller", message, resetsAtMs: null, asked: 32_000, most: 5000, model: "gpt-5.5" },
  busy: { type: "busy", message, retryAfterMs: 4200 },
  killed: { type: "killed", message },
  breaker: { type: "breaker", message, retryAfterMs: 61_000 },
  forbidden: { type: "forbidden", message, param: "tools[2]" },
  model: { type: "model", message, model: "gpt-9" },
  unavailable: { type: "unavailable", message },
  key: { type: "key", message },
  route: { type: "route", message },
  upgrade: { type: "upgrade", message },
  invalid: { type: "invalid", message },
  too_large: { type: "too_large", message },
  lost: { type: "lost", message },
};

/** Status, code and retry-after for chat, for responses, and for Codex. */
const TABLE: [name: string, chat: string, responses: string, codex: string][] = [
  ["cap", "402 insufficient_quota", "402 insufficient_quota", "429 usage_limit_reached"],
  ["smaller", "402 insufficient_quota", "402 insufficient_quota", "429 usage_limit_reached"],
  [
    "busy",
    "429 rate_limit_exceeded 5 again",
    "429 rate_limit_exceeded 5 again",
    "503 server_is_overloaded 5 again",
  ],
  ["killed", "403 afk_killed", "403 afk_killed", "400 afk_killed"],
  ["breaker", "503 afk_breaker_open 61", "503 afk_breaker_open 61", "400 afk_breaker_open 61"],
  ["forbidden", "400 null", "400 null", "400 null"],
  ["model", "404 model_not_found", "400 model_not_found", "400 model_not_found"],
  ["unavailable", "503 afk_unavailable", "503 afk_unavailable", "400 afk_unavailable"],
  ["key", "401 invalid_api_key", "401 invalid_api_key", "401 invalid_api_key"],
  ["route", "404 unknown_url", "404 unknown_url", "404 unknown_url"],
  ["upgrade", "426 upgrade_required", "426 upgrade_required", "426 upgrade_required"],
  ["invalid", "400 null", "400 null", "400 null"],
  ["too_large", "413 request_too_large", "413 request_too_large", "400 request_too_large"],
  ["lost", "502 afk_provider_lost", "502 afk_provider_lost", "503 server_is_overloaded"],
];

function said(name: string, path: string, headers: Record<string, string> = {}) {
  const answer = openai.refuse(REFUSALS[name]!, head(path, headers));
  const { error } = JSON.parse(answer.body);
  const retry = answer.headers["retry-after"];
  const again = answer.headers["x-should-retry"] === "false" ? "" : " again";
  return { error, line: `${answer.status} ${error.code}${retry === undefined ? "" : ` ${retry}`}${again}` };
}

describe("refusals of OpenAI's protocol", () => {
  it.each(TABLE)("says %s to each client so that it stops", (name, chat, responses, codex) => {
    expect(said(name, "chat/completions").line).toBe(chat);
    expect(said(name, "responses").line).toBe(responses);
    for (const headers of [{ originator: "codex_exec" }, { "user-agent": "codex_cli_rs/0.171.0 (Linux)" }]) {
      expect(said(name, "responses", headers as Record<string, string>).line).toBe(codex);
    }
    expect(said(name, "chat/completions", { "user-agent": "my-codex/1" }).line).toBe(chat);
  });

  it.each(Object.keys(REFUSALS))("keeps the whole sentence of %s", (name) => {
    expect(said(name, "responses").error).toMatchObject({ message, type: expect.any(String) });
  });

  it("names the field, and tells Codex when the cap resets in seconds", () => {
    expect(said("forbidden", "responses").error.param).toBe("tools[2]");
    expect(said("cap", "responses", { originator: "codex_exec" }).error.resets_at).toBe(RESETS_AT_MS / 1000);
    expect(said("smaller", "responses", { originator: "codex_exec" }).error).not.toHaveProperty("resets_at");
  });

  it("ends a stream of chunks by one error, without [DONE]", () => {
    const text = route("chat/completions").streamError(REFUSALS.killed!, head("chat/completions"));
    expect(text).toMatch(/^data: \{"error":.*\}\n\n$/);
    expect(JSON.parse(text.slice("data: ".length)).error).toMatchObject({ message, code: "afk_killed" });
    const codex = route("completions").streamError(
      REFUSALS.cap!,
      head("completions", { originator: "codex" }),
    );
    expect(JSON.parse(codex.slice("data: ".length)).error.code).toBe("insufficient_quota");
  });

  it("stops LangChain for JavaScript, which goes on at any 5xx without this code", () => {
    const headers = { "user-agent": "langchainjs-openai/1.0.0 ((node/v24; linux; x64))" };
    for (const name of ["breaker", "unavailable"])
      expect(said(name, "chat/completions", headers).line).toMatch(/^503 insufficient_quota/);
    expect(said("killed", "chat/completions", headers).line).toBe("403 afk_killed");
  });

  it("stops opencode, which sleeps until retry-after at any status and asks again", () => {
    const headers = { "user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4" };
    expect(said("breaker", "chat/completions", headers).line).toBe("403 afk_breaker_open");
    expect(said("unavailable", "chat/completions", headers).line).toBe("403 afk_unavailable");
    expect(said("killed", "chat/completions", headers).line).toBe("403 afk_killed");
  });

  it.each([
    ["killed", "insufficient_quota"],
    ["cap", "insufficient_quota"],
    ["breaker", "insufficient_quota"],
    ["lost", "server_error"],
  ])("ends a streamed response by an error for libraries and response.failed for Codex: %s", (name, code) => {
    const text = route("responses").streamError(REFUSALS[name]!, head("responses"));
    const events = text.trimEnd().split("\n\n");
    const [error, failed] = events.map((event) => /^event: (.*)\ndata: (.*)$/.exec(event)!.slice(1));
    expect([error![0], JSON.parse(error![1]!)]).toMatchObject([
      "error",
      { type: "error", code, message, error: { code, message } },
    ]);
    expect([failed![0], JSON.parse(failed![1]!)]).toMatchObject([
      "response.failed",
      { type: "response.failed", response: { status: "failed", error: { code, message } } },
    ]);
  });
});

describe("lists of models", () => {
  const models = [
    { name: "small", reference: "openai/gpt-5.5" },
    { name: "xai/grok-4", reference: "xai/grok-4" },
    { name: "qwen3", reference: "ollama/qwen3" },
  ];
  const ask = (path: string) => {
    const found = openai.routes.find((each) =>
      each.path.endsWith("*") ? path.startsWith(each.path.slice(0, -1)) : each.path === path,
    );
    if (found?.type !== "own") throw new Error(`no own route ${path}`);
    return found.answer({ method: "GET", path, headers: {} }, models);
  };

  it("lists what these routes reach, in OpenAI's shape", () => {
    const answer = ask("/v1/models") as { status: number; body: string };
    expect(JSON.parse(answer.body)).toEqual({
      object: "list",
      data: [
        { id: "small", object: "model", created: 0, owned_by: "openai" },
        { id: "xai/grok-4", object: "model", created: 0, owned_by: "xai" },
        { id: "qwen3", object: "model", created: 0, owned_by: "ollama" },
      ],
    });
  });

  it("shows one, whose name may hold slashes, encoded or not", () => {
    for (const path of ["/v1/models/xai/grok-4", "/v1/models/xai%2Fgrok-4"]) {
      const answer = ask(path) as { status: number; body: string };
      expect(JSON.parse(answer.body).id).toBe("xai/grok-4");
    }
  });

  it.each(["/v1/models/claude", "/v1/models/none", "/v1/models/%E0%A4%A"])("has no %s", (path) => {
    expect(ask(path)).toMatchObject({ type: "model" });
  });
});

describe("routes", () => {
  it.each([
    ["chat/completions", "/chat/completions"],
    ["completions", "/completions"],
    ["embeddings", "/embeddings"],
    ["responses", "/responses"],
  ])("puts %s behind the provider's own address", (path, upstream) => {
    expect(route(path).upstreamPath("openai")).toBe(upstream);
    expect(route(path).upstreamPath("ollama")).toBe(`/v1${upstream}`);
  });

  it("has no others that could cost something", () => {
    expect(openai.routes.filter(({ type }) => type === "call").map(({ path }) => path)).toHaveLength(4);
  });
});
