import { describe, expect, it } from "vitest";
import { asking, bound, FREE, hello, refused, responding } from "./asked.ts";

describe("what is refused on a priced model, and passes on a free one", () => {
  it.each([
    ["background", { background: true }],
    ["prompt", { prompt: { id: "pmpt_1" } }],
    ["models", { models: ["a", "b"] }],
    ["providerOptions", { providerOptions: { gateway: { models: ["a"] } } }],
    ["provider_options", { provider_options: { gateway: { models: ["a"] } } }],
    ["plugins", { plugins: [{ id: "web" }] }],
    ["search_parameters", { search_parameters: { mode: "on" } }],
    ["web_search_options", { web_search_options: {} }],
    ["deferred", { deferred: true }],
    ["extra_body", { extra_body: { google: { cached_content: "a" } } }],
    ["tools[0]", { tools: [{ type: "web_search" }] }],
    ["tools[0]", { tools: [{ type: "web_search_preview_2025_03_11" }] }],
    [
      "tools[1]",
      {
        tools: [
          { type: "function", name: "a" },
          { type: "mcp", server_url: "https://example.com" },
        ],
      },
    ],
    ["tools[0]", { tools: [{ type: "code_interpreter", container: { type: "auto" } }] }],
    ["tools[0]", { tools: [{ type: "image_generation" }] }],
    ["tools[0]", { tools: [{ type: "computer_use_preview" }] }],
    ["tools[0]", { tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }] }],
    ["tools[0]", { tools: [{ type: "shell", environment: { type: "container_auto" } }] }],
    ["tools[0]", { tools: [{ type: "shell" }] }],
    ["tools[0]", { tools: [{ type: "tool_search" }] }],
    ["tools[0]", { tools: [{ type: "programmatic_tool_calling" }] }],
    ["tools[0]", { tools: [{ type: "of tomorrow" }] }],
    ["tools[0]", { tools: [{}] }],
    ["tools[0]", { tools: [{ type: ["function"] }] }],
    ["input[0].content[0].type", { input: [{ role: "user", content: [{ type: ["input_text"] }] }] }],
    ["input[0].type", { input: [{ type: ["message"], content: "a" }] }],
    ["input[0].type", { input: [{ type: "constructor" }] }],
    ["tools[0]", { tools: ["web_search"] }],
    ["tools", { tools: { 0: { type: "web_search" } } }],
    ["tools[0].tools[0]", { tools: [{ type: "namespace", name: "a", tools: [{ type: "mcp" }] }] }],
    [
      "input[0].tools[0]",
      { input: [{ type: "additional_tools", role: "developer", tools: [{ type: "web_search" }] }] },
    ],
    ["input[0].tools[0]", { input: [{ type: "tool_search_output", tools: [{ type: "mcp" }] }] }],
    ["input[0].type", { input: [{ type: "item of tomorrow" }] }],
    ["input[0].content[0].type", { input: [{ role: "user", content: [{ type: "input_video" }] }] }],
    [
      "input[0].content[0]",
      {
        input: [
          { role: "user", content: [{ type: "input_audio", input_audio: { data: "", format: "wav" } }] },
        ],
      },
    ],
  ])("%s in responses: %j", (param, more) => {
    expect(refused("responses", responding(more))).toBe(param);
    expect(refused("responses", responding(more), FREE)).toBeNull();
  });

  it.each([
    ["audio", { audio: { voice: "alloy", format: "mp3" } }],
    ["modalities", { modalities: ["text", "audio"] }],
    [
      "messages[0].content[1]",
      { messages: [{ role: "user", content: [{ type: "text", text: "a" }, { type: "input_audio" }] }] },
    ],
    ["messages[0].audio", { messages: [{ role: "assistant", audio: { id: "audio_1" } }] }],
    [
      "messages[0].content[0].type",
      {
        messages: [
          { role: "user", content: [{ type: "video_url", video_url: { url: "https://example.com/a.mp4" } }] },
        ],
      },
    ],
    ["messages[0].content.type", { messages: [{ role: "user", content: { type: "video_url" } }] }],
    ["messages", { messages: { 0: { role: "user" } } }],
    ["tools[0]", { tools: [{ type: "web_search" }] }],
    ["tools[0]", { tools: [{ type: "builtin_function", function: { name: "$web_search" } }] }],
  ])("%s in chat: %j", (param, more) => {
    expect(refused("chat/completions", asking(more))).toBe(param);
    expect(refused("chat/completions", asking(more), FREE)).toBeNull();
  });

  it.each([
    ["chat/completions", "Max_tokens", { Max_tokens: 9_000_000 }],
    ["chat/completions", "MODEL", { MODEL: "gpt-9" }],
    ["responses", "Background", { Background: true }],
    ["embeddings", "Input", { Input: "a" }],
    ["completions", "mAx_tokens", { mAx_tokens: 1 }],
  ])("refuses another spelling of a known key in %s, on a free model too: %s", (path, param, more) => {
    expect(refused(path, more)).toBe(param);
    expect(refused(path, more, FREE)).toBe(param);
  });

  it("passes tools of the client's own", () => {
    const tools = [
      { type: "function", name: "a", parameters: {} },
      { type: "custom", name: "b" },
      { type: "local_shell" },
      { type: "apply_patch" },
      { type: "shell", environment: { type: "local" } },
      { type: "tool_search", execution: "client" },
      { type: "namespace", name: "c", description: "", tools: [{ type: "function", name: "d" }] },
    ];
    expect(refused("responses", responding({ tools }))).toBeNull();
  });

  it("says nothing of keys that say nothing", () => {
    const more = {
      background: false,
      conversation: null,
      previous_response_id: null,
      prompt: null,
      tools: null,
      plugins: [],
    };
    expect(refused("responses", responding(more))).toBeNull();
  });

  it("estimates 0 on a free model, and still counts its tokens", () => {
    expect(bound("chat/completions", hello, FREE)).toMatchObject({
      estimateMicros: 0,
      outputMicros: 0,
      outputTokensMax: 1000,
    });
    expect(bound("chat/completions", hello, FREE).estimateTokens).toBeGreaterThan(
      1000 + JSON.stringify(hello).length,
    );
  });
});
