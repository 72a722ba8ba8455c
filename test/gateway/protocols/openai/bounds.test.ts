import { describe, expect, it } from "vitest";
import { Forbidden } from "../../../../src/gateway/protocols/forbidden.ts";
import type { AskedModel } from "../../../../src/gateway/protocols/protocol.ts";
import { bound, COMPATIBLE, FREE, PRICED, RULES, route } from "./asked.ts";

const WINDOW = 100_000;
const hello = { model: "gpt-5.5", messages: [{ role: "user", content: "hello" }] };
const asking = (more: object) => ({ ...hello, max_completion_tokens: 50, ...more });
const responding = (more: object) => ({ model: "gpt-5.5", input: "hello", max_output_tokens: 50, ...more });
const searching: AskedModel = {
  ...PRICED,
  price: { ...PRICED.price, tools: { web_search: 0.01, file_search: 0.0025, code_interpreter: 0.03 } },
};
const unwindowed: AskedModel = { ...PRICED, price: { input: 1, output: 10, cacheRead: 1, cacheWrite: 1 } };

/** The field that is refused; null where nothing is. */
function refused(...asked: Parameters<typeof bound>): string | null {
  try {
    bound(...asked);
    return null;
  } catch (error) {
    if (!(error instanceof Forbidden)) throw error;
    expect(error.message).toMatch(/^.{30,400}[.]$/s);
    return error.param;
  }
}

/** Input tokens of all passes. */
const inputOf = (...asked: Parameters<typeof bound>) => {
  const { estimateTokens, outputTokensMax } = bound(...asked);
  return estimateTokens - outputTokensMax;
};

describe("the output's limit", () => {
  it.each([
    ["what the client says", asking({}), PRICED, 50, {}],
    ["the newer field at OpenAI itself", hello, PRICED, 1000, { max_completion_tokens: 1000 }],
    ["the older field elsewhere", hello, COMPATIBLE, 1000, { max_tokens: 1000 }],
    [
      "the field that its server obeys",
      hello,
      { ...COMPATIBLE, tokenLimit: "max_completion_tokens" },
      1000,
      { max_completion_tokens: 1000 },
    ],
    [
      "both where one is not enough",
      hello,
      { ...COMPATIBLE, tokenLimit: "both" },
      1000,
      { max_tokens: 1000, max_completion_tokens: 1000 },
    ],
    [
      "the older field beside the newer one that its server may ignore",
      asking({}),
      COMPATIBLE,
      50,
      { max_tokens: 50 },
    ],
    ["the larger of two", asking({ max_tokens: 70 }), PRICED, 70, {}],
    [
      "null for none",
      { ...hello, max_completion_tokens: null, max_tokens: null },
      COMPATIBLE,
      1000,
      { max_tokens: 1000 },
    ],
    ["times n", asking({ n: 3 }), PRICED, 150, {}],
    [
      "times best_of, of which n come back",
      asking({ n: 2, best_of: 4 }),
      COMPATIBLE,
      200,
      { max_tokens: 50 },
    ],
    [
      "no more than an older model takes",
      { ...hello, model: "gpt-4" },
      { ...PRICED, model: "gpt-4-0613", price: { ...PRICED.price, contextWindow: 1_000_000 } },
      1000,
      { max_completion_tokens: 1000 },
    ],
  ] satisfies [string, Record<string, unknown>, AskedModel, number, object][])(
    "is %s",
    (_name, said, model, most, pins) => {
      const { outputTokensMax, outputMicros, pins: pinned } = bound("chat/completions", said, model);
      expect(outputTokensMax).toBe(most);
      expect(outputMicros).toBe(most * 10);
      const { service_tier: _, ...rest } = pinned;
      expect(rest).toEqual(pins);
    },
  );

  it.each([
    [{ max_tokens: 0 }, "max_tokens"],
    [{ max_tokens: -1 }, "max_tokens"],
    [{ max_tokens: 1.5 }, "max_tokens"],
    [{ max_tokens: "50" }, "max_tokens"],
    [{ max_completion_tokens: 1e300 }, "max_completion_tokens"],
    [{ max_completion_tokens: true }, "max_completion_tokens"],
    [{ n: 0 }, "n"],
    [{ n: -5 }, "n"],
    [{ n: [] }, "n"],
    [{ n: 1e6 }, "n"],
    [{ best_of: "9" }, "best_of"],
    [{ n: 9999, max_tokens: 100_000_000 }, "max_tokens"],
  ])("refuses %j", (more, param) => {
    expect(refused("chat/completions", { ...hello, ...more })).toBe(param);
  });

  it("overwrites what a local server would take for no limit", () => {
    expect(bound("chat/completions", { ...hello, max_tokens: -1 }, FREE)).toMatchObject({
      outputTokensMax: 1000,
      pins: { max_tokens: 1000 },
    });
    expect(
      bound("chat/completions", { ...hello, max_tokens: 9, max_completion_tokens: -1 }, FREE),
    ).toMatchObject({
      outputTokensMax: 9,
      pins: { max_completion_tokens: 9 },
    });
  });

  it("is injected so that it fits into the context window", () => {
    const small = { ...COMPATIBLE, price: { ...PRICED.price, contextWindow: 2048 } };
    expect(bound("chat/completions", hello, small).outputTokensMax).toBe(1000);
    const long = { ...hello, messages: [{ role: "user", content: "x".repeat(5000) }] };
    expect(bound("chat/completions", long, small).outputTokensMax).toBe(512);
  });

  it("of responses is injected too, which Codex never sends", () => {
    expect(bound("responses", { input: "hi" })).toMatchObject({
      outputTokensMax: 1000,
      pins: { max_output_tokens: 1000 },
    });
    expect(bound("responses", responding({})).outputTokensMax).toBe(50);
    expect(refused("responses", responding({ max_output_tokens: 0 }))).toBe("max_output_tokens");
  });
});

describe("the older completions", () => {
  it.each([
    ["one text", { prompt: "hello" }, 50],
    ["a list of texts, each a generation", { prompt: ["a", "b", "c"] }, 150],
    ["tokens of one prompt", { prompt: [1, 2, 3] }, 50],
    ["tokens of two prompts", { prompt: [[1, 2], [3]] }, 100],
    ["the larger of n and best_of, for each prompt", { prompt: ["a", "b"], n: 2, best_of: 5 }, 500],
  ])("bounds %s", (_name, said, most) => {
    expect(bound("completions", { ...said, max_tokens: 50 }, COMPATIBLE).outputTokensMax).toBe(most);
  });

  it("counts an echoed prompt as output", () => {
    const text = { prompt: "x".repeat(1000), max_tokens: 50 };
    expect(bound("completions", { ...text, echo: true }, COMPATIBLE).outputTokensMax).toBeGreaterThan(1050);
  });

  it("sends OpenAI's own limit where none is stated, and the owner's elsewhere", () => {
    expect(bound("completions", { prompt: "a" }).pins).toMatchObject({ max_tokens: 16 });
    expect(bound("completions", { prompt: "a" }, COMPATIBLE).pins).toMatchObject({ max_tokens: 1000 });
  });

  it("takes the context window for each of several prompts", () => {
    const prompt = ["x".repeat(150_000), "y".repeat(150_000), "z"];
    expect(inputOf("completions", { prompt, max_tokens: 1 }, COMPATIBLE)).toBeGreaterThan(300_000 - 3);
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
    const { estimateTokens } = boundText(text, said);
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

  it("that is sealed counts by its bytes", () => {
    const sealed = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA".repeat(100) };
    expect(inputOf("responses", responding({ input: [sealed] }))).toBeLessThan(1000);
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

describe("what is refused on a priced model, and passes on a free one", () => {
  it.each([
    ["background", { background: true }],
    ["prompt", { prompt: { id: "pmpt_1" } }],
    ["models", { models: ["a", "b"] }],
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

describe("tools that run at the provider", () => {
  const tools = [{ type: "web_search" }];

  it("are bounded by how often they may run, each a pass of the whole window", () => {
    const { estimateMicros, estimateTokens, pins } = bound("responses", responding({ tools }), searching, [
      "web_search",
    ]);
    expect(pins).toMatchObject({ max_tool_calls: 5 });
    expect(estimateTokens).toBe(6 * WINDOW + 50);
    expect(estimateMicros).toBeGreaterThanOrEqual(6 * WINDOW + 50 * 10 + 5 * 10_000);
  });

  it("take the client's own limit", () => {
    const said = responding({ tools, max_tool_calls: 2 });
    const { estimateTokens, pins } = bound("responses", said, searching, ["web_search"]);
    expect(pins).not.toHaveProperty("max_tool_calls");
    expect(estimateTokens).toBe(3 * WINDOW + 50);
    expect(refused("responses", { ...said, max_tool_calls: 0 }, searching, ["web_search"])).toBe(
      "max_tool_calls",
    );
  });

  it.each([
    ["no price of a search", PRICED, "web_search"],
    [
      "no window",
      { ...searching, price: { ...searching.price, contextWindow: undefined } } as unknown as AskedModel,
      "web_search",
    ],
    ["a server that may not obey the limit", { ...searching, isOriginal: false }, "web_search"],
    ["another word than theirs", searching, "file_search"],
  ])("are refused with %s", (_name, model, allow) => {
    expect(refused("responses", responding({ tools }), model, [allow])).toMatch(/^tools/);
  });

  it.each([
    [{ type: "mcp" }, "mcp"],
    [{ type: "image_generation" }, "image_generation"],
    [{ type: "shell", environment: { type: "container_auto" } }, "code_execution"],
    [{ type: "code_interpreter", container: { type: "auto", memory_limit: "64g" } }, "code_execution"],
  ])("are refused although allowed where nothing bounds them: %j", (tool, allow) => {
    expect(refused("responses", responding({ tools: [tool] }), searching, [allow])).toBe("tools[0]");
  });

  it("cost what the dearest of them costs, all of them", () => {
    const both = responding({
      tools: [{ type: "file_search" }, { type: "code_interpreter", container: { type: "auto" } }],
    });
    const { estimateMicros } = bound("responses", both, searching, ["file_search", "code_execution"]);
    expect(estimateMicros).toBeGreaterThanOrEqual(6 * WINDOW + 500 + 5 * 32_500);
  });

  it("run without being asked on models that search", () => {
    const model = { ...searching, model: "gpt-4o-search-preview-2025-03-11" };
    expect(refused("chat/completions", asking({}), model)).toBe("model");
    expect(
      bound("chat/completions", asking({ web_search_options: {} }), model, ["web_search"]).estimateTokens,
    ).toBe(2 * WINDOW + 50);
  });
});

describe("tiers", () => {
  const tiered: AskedModel = {
    ...PRICED,
    price: { ...PRICED.price, tiers: { priority: 2, flex: 0.5, ultrafast: 6 } },
  };
  const microsOf = (...asked: Parameters<typeof bound>) => bound(...asked).outputMicros;

  it("are pinned at OpenAI itself", () => {
    expect(bound("chat/completions", asking({})).pins).toEqual({ service_tier: "default" });
    expect(bound("chat/completions", asking({ service_tier: "default" })).pins).toEqual({});
    for (const service_tier of ["auto", "priority", "fast", "ultrafast", 7, ["priority"]]) {
      const { pins, outputMicros } = bound("chat/completions", asking({ service_tier }), tiered);
      expect(pins).toEqual({ service_tier: "default" });
      expect(outputMicros).toBe(500);
    }
  });

  it("are not written on paths that have none, and refused there without leave", () => {
    expect(bound("completions", { prompt: "a", max_tokens: 1 }).pins).toEqual({});
    expect(bound("embeddings", { input: "a" }).pins).toEqual({});
    expect(refused("completions", { prompt: "a", service_tier: "priority" })).toBe("service_tier");
    expect(refused("embeddings", { input: "a", service_tier: "priority" })).toBe("service_tier");
  });

  it("are let through, and reserved, where the owner allows them", () => {
    const asked = (service_tier: string) =>
      ["chat/completions", asking({ service_tier }), tiered, ["priority"]] as const;
    expect(bound(...(asked("priority") as unknown as Parameters<typeof bound>))).toMatchObject({
      pins: {},
      outputMicros: 1000,
    });
    expect(microsOf(...(asked("ultrafast") as unknown as Parameters<typeof bound>))).toBe(3000);
    expect(microsOf(...(asked("auto") as unknown as Parameters<typeof bound>))).toBe(3000);
    expect(refused(...(asked("of tomorrow") as unknown as Parameters<typeof bound>))).toBe("service_tier");
  });

  it("that are cheaper pass, reserved at the listed price", () => {
    expect(bound("chat/completions", asking({ service_tier: "flex" }), tiered)).toMatchObject({
      pins: {},
      outputMicros: 500,
    });
  });

  it("of other servers are refused without leave, and not written", () => {
    expect(bound("chat/completions", asking({ max_tokens: 50 }), COMPATIBLE).pins).toEqual({});
    expect(refused("chat/completions", asking({ service_tier: "priority" }), COMPATIBLE)).toBe(
      "service_tier",
    );
    expect(refused("chat/completions", asking({ service_tier: "on_demand" }), COMPATIBLE)).toBeNull();
  });

  it("may all apply where a key is not known", () => {
    expect(microsOf("chat/completions", asking({ speed: "ludicrous" }), tiered)).toBe(3000);
    expect(bound("chat/completions", asking({ speed: "ludicrous" }), tiered).pins).toEqual({
      service_tier: "default",
    });
  });
});

describe("other prices that can apply", () => {
  it("are those of a step that the input may reach", () => {
    const steps = [{ above: 1000, input: 2, output: 20, cacheRead: 2, cacheWrite: 2 }];
    const model = { ...PRICED, price: { ...PRICED.price, steps } };
    expect(bound("chat/completions", asking({}), model).outputMicros).toBe(500);
    const content = "x".repeat(1000);
    expect(
      bound("chat/completions", asking({ messages: [{ role: "user", content }] }), model).outputMicros,
    ).toBe(1000);
  });

  it.each([
    [{}, 1.25],
    [{ prompt_cache_options: { ttl: "30m" } }, 1.25],
    [{ prompt_cache_options: { ttl: "12h" } }, 2.5],
    [{ prompt_cache_retention: "24h" }, 2.5],
    [
      {
        messages: [
          {
            role: "user",
            content: [{ type: "text", text: "a", cache_control: { type: "ephemeral", ttl: "1h" } }],
          },
        ],
      },
      2.5,
    ],
  ])("are those of the cache that is asked for: %j", (more, factor) => {
    const price = { ...PRICED.price, cacheWrite: 1.25, cacheWrite1h: 2, cacheWrite12h: 2.5 };
    const asked = ["chat/completions", asking(more), { ...PRICED, price }] as const;
    const { estimateMicros, outputMicros } = bound(...(asked as unknown as Parameters<typeof bound>));
    const input = inputOf(...(asked as unknown as Parameters<typeof bound>));
    expect(estimateMicros - outputMicros).toBeGreaterThanOrEqual(factor * input);
    expect(estimateMicros - outputMicros).toBeLessThanOrEqual(factor * input + 10);
  });

  it("are those of the cache also where the key is written in escapes", () => {
    const price = { ...PRICED.price, cacheWrite: 1.25, cacheWrite1h: 2 };
    const said = asking({
      messages: [{ role: "user", content: [{ type: "text", text: "a", cache_control: {} }] }],
    });
    const text = JSON.stringify(said).replace("cache_control", "cache\\u005fcontrol");
    expect(JSON.parse(text)).toEqual(said);
    const model = { ...PRICED, price };
    const written = route("chat/completions").bound({ headers: {}, text, said }, model, RULES);
    const plain = bound("chat/completions", said, model);
    expect(written.estimateMicros).toBeGreaterThanOrEqual(plain.estimateMicros);
  });

  it("are ruled out at OpenRouter, which may ask a dearer server", () => {
    const model = { ...COMPATIBLE, server: "openrouter" };
    expect(
      bound(
        "chat/completions",
        asking({ max_tokens: 50, provider: { sort: "price", max_price: { prompt: 99 } } }),
        model,
      ).pins,
    ).toEqual({
      provider: { sort: "price", max_price: { prompt: 1, completion: 10 } },
    });
  });
});

describe("figures of a stream", () => {
  it.each([
    ["asked for, and hidden", { stream: true }, { include_usage: true }, true],
    ["the client's own", { stream: true, stream_options: { include_usage: true } }, undefined, false],
    [
      "asked for beside other options",
      { stream: true, stream_options: { include_obfuscation: false } },
      { include_obfuscation: false, include_usage: true },
      true,
    ],
    [
      "asked for although refused",
      { stream: true, stream_options: { include_usage: false } },
      { include_usage: true },
      true,
    ],
    ["not of a stream", { stream: false }, undefined, false],
  ])("are %s", (_name, more, options, hidesUsage) => {
    const said = bound("chat/completions", asking(more));
    expect(said.pins.stream_options).toEqual(options);
    expect(said.hidesUsage).toBe(hidesUsage);
  });
});

function boundText(text: string, said: Record<string, unknown>) {
  return route("chat/completions").bound({ headers: {}, text, said }, PRICED, RULES);
}
