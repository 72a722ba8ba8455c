import { describe, expect, it } from "vitest";
import type { AskedModel } from "../../../../src/gateway/protocols/protocol.ts";
import { asking, bound, FREE, inputOf, PRICED, RULES, refused, responding, route, WINDOW } from "./asked.ts";

const unwindowed: AskedModel = { ...PRICED, price: { input: 1, output: 10, cacheRead: 1, cacheWrite: 1 } };

describe("input", () => {
  it("is never more than the context window", () => {
    const content = "x".repeat(500_000);
    expect(inputOf("chat/completions", asking({ messages: [{ role: "user", content }] }))).toBe(WINDOW);
  });

  it("has room for what the provider adds for tools", () => {
    const tools: unknown[] = [];
    expect(inputOf("chat/completions", asking({ tools })) - inputOf("chat/completions", asking({}))).toBe(
      1024 + '"tools":[],'.length,
    );
  });

  it("counts what characters become, not their escapes", () => {
    const said = asking({ messages: [{ role: "user", content: "\uFDFA".repeat(100) }] });
    const text = JSON.stringify(said).replaceAll("\uFDFA", "\\ufdfa");
    expect(JSON.parse(text)).toEqual(said);
    const { estimateTokens } = route("chat/completions").bound({ headers: {}, text, said }, PRICED, RULES);
    expect(estimateTokens).toBeGreaterThanOrEqual(3300);
  });

  it.each([
    ["previous_response_id", { previous_response_id: "resp_1" }],
    ["conversation", { conversation: { id: "conv_1" } }],
    ["input[0]", { input: [{ type: "item_reference", id: "msg_1" }] }],
    ["input[0]", { input: [{ id: "msg_1" }] }],
    ["input[0]", { input: [{ type: "reasoning", id: "rs_1", summary: [] }] }],
    ["input[0]", { input: [{ type: "web_search_call", id: "ws_1", status: "completed" }] }],
    [
      "input[0].content[0]",
      { input: [{ role: "user", content: [{ type: "input_file", file_id: "file-1" }] }] },
    ],
    [
      "input[0].content[0]",
      { input: [{ role: "user", content: [{ type: "input_file", file_url: "https://example.com/a.pdf" }] }] },
    ],
    [
      "input[0].output[0]",
      {
        input: [
          {
            type: "function_call_output",
            call_id: "c",
            output: [{ type: "input_file", file_data: "JVBERi0=" }],
          },
        ],
      },
    ],
  ])("that lies elsewhere counts as a context window: %s", (param, more) => {
    expect(inputOf("responses", responding(more))).toBe(WINDOW);
    expect(refused("responses", responding(more), unwindowed)).toBe(param);
    expect(refused("responses", responding(more), FREE)).toBeNull();
  });

  it.each(["reasoning", "compaction", "compaction_summary", "context_compaction"])(
    "that is sealed counts by its bytes: %s",
    (type) => {
      const sealed = { type, id: "rs_1", encrypted_content: "gAAAA".repeat(100) };
      expect(inputOf("responses", responding({ input: [sealed] }))).toBeGreaterThan(500);
      expect(inputOf("responses", responding({ input: [sealed] }))).toBeLessThan(1000);
    },
  );

  it("of all kinds of Codex's items has a bound", () => {
    const texts = [
      { type: "input_text", text: "a" },
      { type: "encrypted_content", encrypted_content: "gAAAA" },
    ];
    const input = [
      { type: "message", role: "user", content: texts },
      { type: "agent_message", author: "a", recipient: "b", content: texts },
      { type: "function_call", call_id: "c", name: "shell", arguments: "{}" },
      { type: "function_call_output", call_id: "c", output: texts },
      { type: "custom_tool_call", call_id: "c", name: "apply_patch", input: "" },
      { type: "custom_tool_call_output", call_id: "c", output: "done" },
      {
        type: "local_shell_call",
        call_id: "c",
        status: "completed",
        action: { type: "exec", command: ["ls"] },
      },
      { type: "tool_search_call", call_id: "c", execution: "client", arguments: {} },
      {
        type: "tool_search_output",
        call_id: "c",
        execution: "client",
        status: "completed",
        tools: [{ type: "function", name: "a" }],
      },
      { type: "configuration_update" },
    ];
    expect(inputOf("responses", responding({ input }))).toBeLessThan(4000);
  });

  it("that is made shorter on the way takes one more pass, with output of its own", () => {
    for (const more of [
      { context_management: [{ type: "compaction", compact_threshold: 1000 }] },
      { input: [{ role: "user", content: "hello" }, { type: "compaction_trigger" }] },
    ]) {
      const plain = { ...responding({}), padding: "" };
      const { estimateMicros, outputMicros } = bound("responses", { ...plain, ...more });
      expect(outputMicros).toBe(2 * 50 * 10);
      expect(estimateMicros - outputMicros).toBeGreaterThan(2 * JSON.stringify(more).length);
    }
    expect(refused("responses", responding({ context_management: [{ type: "clear" }] }))).toBe(
      "context_management[0]",
    );
  });
});

describe("embeddings", () => {
  const dear = { ...PRICED, price: { ...PRICED.price, output: 0 } };

  it("are input alone, and a token is a token", () => {
    expect(bound("embeddings", { input: [1, 2, 3] }, dear)).toMatchObject({
      estimateTokens: 3,
      outputTokensMax: 0,
      pins: {},
    });
    expect(bound("embeddings", { input: [[1, 2], [3]] }, dear).estimateTokens).toBe(3);
    expect(bound("embeddings", { input: "x".repeat(100) }, dear).estimateTokens).toBeGreaterThan(100);
  });

  it("are not bounded by one context window where there are several texts", () => {
    const input = ["x".repeat(150_000), "y".repeat(150_000), "z".repeat(150_000)];
    expect(bound("embeddings", { input }, dear).estimateTokens).toBe(3 * WINDOW);
  });

  it("refuse what is neither text nor tokens", () => {
    expect(refused("embeddings", { input: [{ image_url: "https://example.com/a.png" }] }, dear)).toBe(
      "input",
    );
    expect(refused("embeddings", { input: [["a", { b: 1 }]] }, dear)).toBe("input");
  });
});
