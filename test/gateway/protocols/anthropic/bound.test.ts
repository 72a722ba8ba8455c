import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundMessages } from "../../../../src/gateway/protocols/anthropic/bound.ts";
import { Forbidden } from "../../../../src/gateway/protocols/forbidden.ts";
import type { AskedModel, Bound } from "../../../../src/gateway/protocols/protocol.ts";
import { outputThatFits } from "../../../../src/gateway/refusals.ts";
import { anthropicFigures } from "../../../../src/providers/anthropic/usage.ts";
import { costMicros, worstMicros } from "../../../../src/providers/estimate.ts";
import { priceOf } from "../../../../src/providers/prices.ts";
import { asked, body, HAIKU, local, png, rules, SONNET } from "../calls.ts";

const ASK = { model: "m", max_tokens: 1_000, messages: [{ role: "user", content: "Hi" }] };
const WINDOW = 1_000_000;

function bound(changes: object, model: AskedModel = asked(), allow: string[] = [], headers = {}): Bound {
  return boundMessages(body({ ...ASK, ...changes }, headers), model, rules(...allow));
}

function forbidden(changes: object, model: AskedModel = asked(), allow: string[] = []): string {
  try {
    bound(changes, model, allow);
  } catch (error) {
    if (error instanceof Forbidden) {
      expect(error.message).toContain(error.param);
      return error.param;
    }
    throw error;
  }
  return "passes";
}

/** The input of one pass, by what is left of the estimate without the output. */
const inputTokens = ({ estimateTokens, outputTokensMax }: Bound) => estimateTokens - outputTokensMax;

const said = (content: unknown[]) => ({ messages: [{ role: "user", content }] });
const image = (source: object) => ({ type: "image", source });
const base64 = (data: string) => image({ type: "base64", media_type: "image/png", data });

describe("text", () => {
  it("is bounded by the bytes of the whole request, at the price of input", () => {
    const bytes = Buffer.byteLength(JSON.stringify(ASK));
    const { estimateMicros, outputMicros, ...rest } = bound({});
    expect(rest).toEqual({
      estimateTokens: bytes + 32 + 1_000,
      outputTokensMax: 1_000,
      pins: { service_tier: "standard_only" },
      hidesUsage: false,
    });
    expect(outputMicros).toBe(1.1 * 15 * 1_000);
    expect(estimateMicros).toBe(Math.ceil(1.1 * 3 * (bytes + 32)) + outputMicros + 6);
  });

  it("is measured without the escapes that hide its size", () => {
    const text = JSON.stringify({ ...ASK, system: "ﷺ".repeat(100) });
    const escaped = text.replaceAll("ﷺ", "\\ufdfa");
    const asItIs = boundMessages({ headers: {}, text, said: JSON.parse(text) }, asked(), rules());
    const hidden = boundMessages({ headers: {}, text: escaped, said: JSON.parse(text) }, asked(), rules());
    expect(hidden.estimateMicros).toBe(asItIs.estimateMicros);
    expect(inputTokens(hidden)).toBeGreaterThan(3_300);
  });

  it("never takes more than the model's context window", () => {
    expect(inputTokens(bound({ system: "a".repeat(300_000) }, asked({ price: HAIKU })))).toBe(200_000);
  });

  it("costs nothing on a model that costs nothing, whatever is asked for, and its tokens are counted", () => {
    const free = bound({ tools: [{ type: "anything_20990101" }], fallbacks: "default" }, local());
    expect(free).toMatchObject({ estimateMicros: 0, outputMicros: 0, pins: {} });
    expect(free.estimateTokens).toBeGreaterThan(1_100);
  });

  it("is bounded near 0.80 dollars for the first request of Claude Code", () => {
    const tools = Array.from({ length: 12 }, (_, index) => ({
      name: `tool_${index}`,
      description: "d".repeat(5_000),
      input_schema: { type: "object" },
    }));
    const first = {
      model: "claude-sonnet-4-6",
      max_tokens: 32_000,
      stream: true,
      system: [{ type: "text", text: "s".repeat(24_000), cache_control: { type: "ephemeral" } }],
      messages: said([{ type: "text", text: "say hi", cache_control: { type: "ephemeral" } }]).messages,
      tools,
      thinking: { type: "adaptive" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      output_config: { effort: "high" },
      metadata: { user_id: '{"device_id":"0"}' },
    };
    const betas =
      "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27," +
      "thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24";
    const { estimateMicros, pins } = bound(first, asked(), [], { "anthropic-beta": betas });
    expect(pins).toEqual({ service_tier: "standard_only" });
    // 1.1 times the listed prices, since the owner's account may be kept in one region.
    expect(estimateMicros / 1.1 / 1e6).toBeGreaterThan(0.78);
    expect(estimateMicros / 1.1 / 1e6).toBeLessThan(0.84);
  });
});

describe("the limit of the output", () => {
  it.each([
    [{ max_tokens: undefined }, 32_000, { max_tokens: 32_000 }],
    [{ max_tokens: null }, 32_000, { max_tokens: 32_000 }],
    [{ max_tokens: 0 }, 0, {}],
    [{ max_tokens: 5 }, 5, {}],
    [{ max_tokens: 5_000, thinking: { type: "enabled", budget_tokens: 60_000 } }, 60_000, {}],
    [{ max_tokens: 5_000, thinking: { type: "enabled", budget_tokens: 2_000 } }, 5_000, {}],
    [{ max_tokens: 5_000, thinking: { type: "adaptive" } }, 5_000, {}],
  ])("of %j is %i", (changes, most, pins) => {
    const found = bound(changes);
    expect(found.outputTokensMax).toBe(most);
    // A smaller limit of the reply would not make the thinking cheaper.
    expect(found.outputMicros).toBe(most === 60_000 ? 0 : Math.ceil(1.1 * 15 * most));
    expect(found.estimateMicros).toBeGreaterThan(1.1 * 15 * most);
    expect(found.pins).toEqual({ ...pins, service_tier: "standard_only" });
  });

  it.each([
    [{ max_tokens: "100000" }, "max_tokens"],
    [{ max_tokens: -1 }, "max_tokens"],
    [{ max_tokens: 1e300 }, "max_tokens"],
    [{ max_tokens: 1.5 }, "max_tokens"],
    [{ thinking: { type: "enabled", budget_tokens: "9" } }, "thinking.budget_tokens"],
  ])("is refused where it is no whole number: %j", (changes, param) => {
    expect(forbidden(changes)).toBe(param);
  });
});

describe("what is written to the cache", () => {
  const cached = (ttl?: unknown) => ({ type: "ephemeral", ...(ttl === undefined ? {} : { ttl }) });
  it.each([
    ["nothing", {}, 3],
    ["a system prompt", { system: [{ type: "text", text: "a", cache_control: cached() }] }, 3.75],
    ["for five minutes", { cache_control: cached("5m") }, 3.75],
    ["for an hour", { cache_control: cached("1h") }, 6],
    [
      "both",
      { cache_control: cached("5m"), ...said([{ type: "text", text: "a", cache_control: cached("1h") }]) },
      6,
    ],
    ["a tool", { tools: [{ name: "a", cache_control: cached("1h") }] }, 6],
    [
      "what a tool said",
      said([{ type: "tool_result", content: [{ type: "text", text: "a", cache_control: cached("1h") }] }]),
      6,
    ],
    ["for a time that is not known", { cache_control: cached("12h") }, 6],
    ["in a way that is not known", { cache_control: true }, 6],
  ])("%s", (_, changes, rate) => {
    const found = bound(changes);
    const expected = Math.ceil(1.1 * rate * inputTokens(found)) + found.outputMicros + 6;
    expect(found.estimateMicros).toBe(expected);
  });

  it("is written unasked by other servers that speak the protocol", () => {
    const found = bound({}, asked({ isOriginal: false, price: { ...SONNET, regionalFactor: 1 } }));
    expect(found.estimateMicros).toBe(Math.ceil(3.75 * inputTokens(found)) + found.outputMicros + 6);
  });
});

describe("pictures", () => {
  const tokens = (content: unknown[], model = asked()) =>
    inputTokens(bound(said(content), model)) -
    inputTokens(bound(said(content.map(() => base64(""))), model)) +
    1_584 * content.length;
  it.each([
    ["claude-sonnet-4-6", png(280, 280), 100],
    ["claude-sonnet-4-6", png(281, 1), 11],
    ["claude-sonnet-4-6", png(8_000, 8_000), 1_568],
    ["claude-haiku-4-5-20251001", png(8_000, 8_000), 1_568],
    ["claude-3-5-haiku-latest", png(8_000, 8_000), 1_568],
    [
      "claude-sonnet-4-6",
      Buffer.from("GIF89a picture without a size that can be told").toString("base64"),
      1_568,
    ],
  ])("in the body at %s take their patches", (model, data, patches) => {
    expect(tokens([base64(data)], asked({ model }))).toBe(16 + patches);
  });

  it.each(["claude-opus-4-7", "claude-opus-5", "claude-sonnet-5", "claude-new-9"])(
    "may be larger at %s",
    (model) => {
      const difference =
        inputTokens(bound(said([base64(png(9_000, 9_000))]), asked({ model }))) -
        inputTokens(bound(said([base64(png(9_000, 9_000))])));
      expect(difference).toBe(4_784 - 1_568);
    },
  );

  it.each([
    { type: "url", url: "https://a.example/b.png" },
    { type: "file", file_id: "f" },
    { type: "url", url: "https://a.example/b.png", data: png(28, 28) },
    "odd",
  ])("that stand elsewhere take the most: %j", (source) => {
    const text = Buffer.byteLength(JSON.stringify({ ...ASK, ...said([image(source as object)]) })) + 32;
    expect(inputTokens(bound(said([image(source as object)])))).toBe(text + 1_584);
  });

  it("take the most of any model where the formula is not known", () => {
    const model = asked({ model: "MiniMax-M3", isOriginal: false });
    expect(inputTokens(bound(said([base64(png(1, 1))]), model))).toBeGreaterThan(36_000);
  });

  it("are found in what a tool said", () => {
    const result = { type: "tool_result", tool_use_id: "a", content: [base64(png(280, 280))] };
    expect(inputTokens(bound(said([result])))).toBeGreaterThan(100);
  });
});

describe("what has no size here", () => {
  const unsized: [string, object, string][] = [
    [
      "a document in base64",
      said([{ type: "document", source: { type: "base64", data: "JVBERi0=" } }]),
      "messages[0].content[0]",
    ],
    [
      "a document at an address",
      said([{ type: "document", source: { type: "url", url: "u" } }]),
      "messages[0].content[0]",
    ],
    [
      "a document as a file",
      said([{ type: "document", source: { type: "file", file_id: "f" } }]),
      "messages[0].content[0]",
    ],
    [
      "a document in what a tool said",
      said([{ type: "tool_result", content: [{ type: "document", source: { type: "url", url: "u" } }] }]),
      "messages[0].content[0].content[0]",
    ],
    [
      "a document that was fetched before",
      said([
        {
          type: "web_fetch_tool_result",
          content: { type: "web_fetch_result", content: { type: "document", source: { type: "base64" } } },
        },
      ]),
      "messages[0].content[0].content.content",
    ],
    ["a conversation at the provider", { thread: { type: "continue", previous_message_id: "m" } }, "thread"],
  ];

  it.each(unsized)("%s takes the model's context window", (_, changes) => {
    expect(inputTokens(bound(changes))).toBe(WINDOW);
  });

  it.each(unsized)("%s is refused where that is not known", (_, changes, param) => {
    expect(forbidden(changes, asked({ price: { ...SONNET, contextWindow: undefined as never } }))).toBe(
      param,
    );
  });

  it("takes the larger window that a header opens, and is refused where that has no price", () => {
    const large = { "anthropic-beta": "effort-2025-11-24,context-1m-2025-08-07" };
    const text = { system: "a".repeat(500_000) };
    const step = { ...HAIKU, input: 2, above: 200_000 };
    const stepped = bound(text, asked({ price: { ...HAIKU, steps: [step] } }), [], large);
    expect(inputTokens(stepped)).toBeGreaterThan(500_000);
    expect(stepped.estimateMicros - stepped.outputMicros).toBeGreaterThan(2 * 500_000);
    expect(() => bound(text, asked({ price: HAIKU }), [], large)).toThrow(Forbidden);
    expect(inputTokens(bound(text, asked({ price: HAIKU })))).toBe(200_000);
    expect(inputTokens(bound(text, asked(), [], large))).toBeLessThan(600_000);
  });

  it.each([
    ["a document in text", said([{ type: "document", source: { type: "text", data: "abc" } }])],
    [
      "a document of blocks",
      said([{ type: "document", source: { type: "content", content: [{ type: "text", text: "a" }] } }]),
    ],
    ["a conversation that begins", { thread: { type: "create" } }],
  ])("%s is bounded by its bytes", (_, changes) => {
    expect(inputTokens(bound(changes))).toBe(Buffer.byteLength(JSON.stringify({ ...ASK, ...changes })) + 32);
  });
});

describe("the parts of a conversation", () => {
  it.each([
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "tool_reference",
    "tool_removal",
    "search_result",
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "advisor_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "mcp_tool_listing",
    "compaction",
    "fallback",
    "connector_text",
    "mid_conv_system",
  ])("that Claude Code sends pass, and are bounded by their bytes: %s", (type) => {
    const changes = said([{ type, content: [] }]);
    expect(inputTokens(bound(changes))).toBe(Buffer.byteLength(JSON.stringify({ ...ASK, ...changes })) + 32);
  });
});

describe("tools of the client's own", () => {
  it.each([
    undefined,
    "custom",
    "bash_20250124",
    "text_editor_20250728",
    "computer_20251124",
    "memory_20250818",
    "computer_toolset_20260801",
    "browser_toolset_20260801",
  ])("of type %s take no round at the provider", (type) => {
    const found = bound({ tools: [{ type, name: "a" }] });
    expect(found.pins).not.toHaveProperty("tools");
    expect(inputTokens(found)).toBeLessThan(10_000);
  });

  it("that are searched for at the provider take ten rounds more, in which they read what they wrote", () => {
    const found = bound({
      tools: [
        { type: "tool_search_tool_bm25_20251119", name: "a" },
        { name: "b", defer_loading: true },
      ],
    });
    expect(found.outputMicros).toBe(1.1 * 15 * 11_000);
    expect(found.estimateTokens).toBeGreaterThan(11 * 10_000);
    expect(found.estimateTokens).toBeLessThan(11 * 16_000);
  });
});

describe("tools that run at the provider", () => {
  const search = { type: "web_search_20250305", name: "web_search" };
  const refused: [string, object, string][] = [
    ["a search", { tools: [{ name: "a" }, search] }, "tools[1]"],
    ["a fetch", { tools: [{ type: "web_fetch_20250910", name: "web_fetch" }] }, "tools[0]"],
    ["code", { tools: [{ type: "code_execution_20250825", name: "code_execution" }] }, "tools[0]"],
    [
      "an advisor",
      { tools: [{ type: "advisor_20260301", name: "advisor", model: "claude-haiku-4-5" }] },
      "tools[0]",
    ],
    ["tools of a server", { tools: [{ type: "mcp_toolset", mcp_server_name: "a" }] }, "tools[0]"],
    ["a server of tools", { mcp_servers: [{ type: "url", url: "u", name: "a" }] }, "mcp_servers"],
    ["a container", { container: "c" }, "container"],
    ["a file for a container", said([{ type: "container_upload", file_id: "f" }]), "messages[0].content[0]"],
    ["a tool of an unknown type", { tools: [{ type: "teleport_20270101" }] }, "tools[0]"],
    ["a tool of a type that is no text", { tools: [{ type: 7 }] }, "tools[0]"],
    ["a tool that is no object", { tools: ["web_search_20250305"] }, "tools[0]"],
    ["one tool in the place of a list", { tools: search }, "tools[0]"],
    [
      "a tool that is defined in the conversation",
      said([{ type: "tool_addition", tool: { type: "tool_definition", definition: search } }]),
      "messages[0].content[0].tool.definition",
    ],
    [
      "a tool in a summary of the conversation",
      said([
        {
          type: "compaction",
          tool_changes: [{ type: "tool_addition", tool: { type: "tool_definition", definition: search } }],
        },
      ]),
      "messages[0].content[0].tool_changes[0].tool.definition",
    ],
    [
      "tools of a server, added later",
      said([{ type: "tool_addition", tool: { type: "mcp_toolset_reference", server_name: "a" } }]),
      "messages[0].content[0].tool",
    ],
    ["an unknown block", said([{ type: "hologram" }]), "messages[0].content[0]"],
    ["a block without a type", said([{ text: "a" }]), "messages[0].content[0]"],
    [
      "an unknown block in what a tool said",
      said([{ type: "tool_result", content: [{ type: "hologram" }] }]),
      "messages[0].content[0].content[0]",
    ],
    ["models of the provider's choice", { fallbacks: "default" }, "fallbacks"],
    ["a model without a price", { fallbacks: [{ model: "claude-nobody" }] }, "fallbacks[0].model"],
    ["another speed", { speed: "fast" }, "speed"],
    ["another region", { inference_geo: "mars" }, "inference_geo"],
    ["another spelling of a key", { Model: "claude-opus-5" }, "Model"],
    ["another spelling of a key, in other letters", { meſſages: [] }, "meſſages"],
  ];

  it.each(refused)("%s is refused and named", (_, changes, param) => {
    expect(forbidden(changes)).toBe(param);
  });

  it("a search that the owner allows is limited to five uses, each with a round over the whole context window", () => {
    const { estimateMicros, estimateTokens, outputMicros, pins } = bound({ tools: [search] }, asked(), [
      "web_search",
    ]);
    expect(pins.tools).toEqual([{ ...search, max_uses: 5 }]);
    expect(outputMicros).toBe(99_000);
    expect(estimateTokens).toBe(6 * WINDOW + 6_000);
    expect(estimateMicros).toBe(6 * 1.1 * 3 * WINDOW + outputMicros + 5 * 10_000 + 36);
  });

  it("keeps the limit that a client states", () => {
    const { pins, estimateTokens } = bound({ tools: [{ ...search, max_uses: 1 }] }, asked(), ["web_search"]);
    expect(pins).not.toHaveProperty("tools");
    expect(estimateTokens).toBe(2 * WINDOW + 2_000);
  });

  it.each([-1, 1.5, "3"])("refuses a limit of %j", (max_uses) => {
    expect(forbidden({ tools: [{ ...search, max_uses }] }, asked(), ["web_search"])).toBe(
      "tools[0].max_uses",
    );
  });

  it("keeps a newer search away from code at the provider, unless that is allowed too", () => {
    const newer = { type: "web_search_20260209", name: "web_search", max_uses: 2 };
    expect(bound({ tools: [newer] }, asked(), ["web_search"]).pins.tools).toEqual([
      { ...newer, allowed_callers: ["direct"] },
    ]);
    const both = ["web_search", "code_execution"];
    const found = bound({ tools: [newer] }, asked(), both);
    expect(found.pins).not.toHaveProperty("tools");
    expect(found.estimateTokens).toBe(13 * (WINDOW + 1_000));
    const byCode = { ...newer, allowed_callers: ["code_execution_20260120"] };
    expect(forbidden({ tools: [byCode] }, asked(), ["web_search"])).toBe("tools[0].allowed_callers");
  });

  it("refuses more rounds than the arithmetic bears, however they come about", () => {
    const many = { tools: Array.from({ length: 100 }, () => ({ ...search, max_uses: 10_000_000 })) };
    expect(forbidden(many, asked(), ["web_search"])).toBe("tools");
    const fallbacks = Array.from({ length: 11 }, () => ({ model: "claude-haiku-4-5" }));
    expect(forbidden({ fallbacks })).toBe("fallbacks");
    let block: object = { type: "text", text: "a" };
    for (let depth = 0; depth < 500; depth += 1) block = { type: "tool_result", content: [block] };
    expect(forbidden(said([block]))).toBe("messages");
  });

  it("needs a stated limit where a tool is defined in the conversation", () => {
    const addition = (definition: object) =>
      said([{ type: "tool_addition", tool: { type: "tool_definition", definition } }]);
    expect(forbidden(addition(search), asked(), ["web_search"])).toBe(
      "messages[0].content[0].tool.definition",
    );
    expect(bound(addition({ ...search, max_uses: 1 }), asked(), ["web_search"]).estimateTokens).toBe(
      2 * WINDOW + 2_000,
    );
  });

  it("refuses a search whose price is not known, and one whose context window is not", () => {
    const without = (change: object) => asked({ price: { ...SONNET, ...change } });
    expect(forbidden({ tools: [search] }, without({ tools: {} }), ["web_search"])).toBe("tools");
    expect(forbidden({ tools: [search] }, without({ contextWindow: undefined }), ["web_search"])).toBe(
      "tools",
    );
  });

  it("prices an advisor as the model that it is, and limits it", () => {
    const advisor = { type: "advisor_20260301", name: "advisor", model: "claude-haiku-4-5" };
    const found = bound({ tools: [advisor] }, asked(), ["advisor"]);
    expect(found.pins.tools).toEqual([{ ...advisor, max_uses: 5, max_tokens: 32_000 }]);
    const { micros } = worstMicros(
      {
        inputTokens: 200_000,
        outputTokens: 160_000,
        passes: 5,
        cacheWrites: "any",
        tier: "listed",
        isRegional: "any",
        tools: {},
      },
      HAIKU,
    );
    expect(found.estimateMicros).toBe(6 * 1.1 * 3 * WINDOW + 6 * 1.1 * 15 * 1_000 + 36 + micros);
    expect(forbidden({ tools: [{ ...advisor, model: "claude-nobody" }] }, asked(), ["advisor"])).toBe(
      "tools[0].model",
    );
  });
});

describe("other ways to a dearer call", () => {
  it("adds each named fallback at its own price", () => {
    const alone = bound({});
    const both = bound({ fallbacks: [{ model: "claude-haiku-4-5", max_tokens: 2_000 }] });
    // Its own limit does not follow that of the request.
    expect(both.outputMicros).toBe(alone.outputMicros);
    expect(both.estimateMicros).toBeGreaterThan(alone.estimateMicros + 1.1 * 5 * 2_000);
    const follows = bound({ fallbacks: [{ model: "claude-haiku-4-5" }] });
    expect(follows.outputMicros).toBe(alone.outputMicros + 1.1 * 5 * 1_000);
  });

  it("adds a run where the conversation is summarised first", () => {
    const compact = { context_management: { edits: [{ type: "compact_20260112" }] } };
    const alone = bound({});
    for (const changes of [
      compact,
      { compaction: { type: "summarize" } },
      { context_management: { edits: ["odd"] } },
    ]) {
      const found = bound(changes);
      expect(found.outputMicros).toBe(alone.outputMicros);
      expect(found.estimateMicros).toBeGreaterThan(
        2 * (alone.estimateMicros - alone.outputMicros) + 1.1 * 15 * 33_000,
      );
    }
    const cleared = {
      context_management: {
        edits: [{ type: "clear_tool_uses_20250919" }, { type: "clear_thinking_20251015" }],
      },
    };
    const bytes = JSON.stringify(cleared).length - 1;
    expect(bound(cleared).estimateTokens).toBe(alone.estimateTokens + bytes);
  });

  it.each([
    ["a key", { teleport: true }, {}],
    ["a beta", {}, { "anthropic-beta": "effort-2025-11-24, teleport-2027-01-01" }],
  ])("reserves the dearest tier for %s that is not known, and lets it pass", (_, changes, headers) => {
    const found = bound(changes, asked(), [], headers);
    expect(found.outputMicros).toBe(Math.ceil(6 * 1.1 * 15 * 1_000));
    expect(found.pins).not.toHaveProperty("teleport");
  });

  it("prices a speed that the owner allows, and refuses it where that has no price", () => {
    expect(bound({ speed: "fast" }, asked(), ["priority"]).outputMicros).toBe(
      Math.ceil(6 * 1.1 * 15 * 1_000),
    );
    expect(bound({ speed: "standard" }).outputMicros).toBe(1.1 * 15 * 1_000);
    expect(forbidden({ speed: "fast" }, asked({ price: { ...SONNET, tiers: {} } }), ["priority"])).toBe(
      "speed",
    );
    const named = { speed: "fast", fallbacks: [{ model: "claude-haiku-4-5" }] };
    const slow = asked({ priceOf: () => ({ ...HAIKU, tiers: {} }) });
    expect(forbidden(named, slow, ["priority"])).toBe("fallbacks[0].model");
  });

  it.each([
    [{ inference_geo: "us" }, 1.1],
    [{ inference_geo: "global" }, 1],
    [{ inference_geo: null }, 1.1],
  ])("prices the region of %j", (changes, factor) => {
    expect(bound(changes).outputMicros).toBe(Math.ceil(factor * 15 * 1_000));
  });

  it.each([
    [asked(), { service_tier: "auto" }, { service_tier: "standard_only" }],
    [asked(), { service_tier: "standard_only" }, {}],
    [asked({ isOriginal: false }), {}, {}],
    [asked({ isOriginal: false }), { service_tier: "auto" }, {}],
  ])("pins the tier at Anthropic itself and nowhere else", (model, changes, pins) => {
    expect(bound(changes, model).pins).toEqual(pins);
  });

  it("leaves the tier to a client that may have it, and reserves the dearest", () => {
    const model = asked({ price: { ...SONNET, tiers: { priority: 2 } } });
    const found = bound({ service_tier: "auto" }, model, ["priority"]);
    expect(found.pins).toEqual({});
    expect(found.outputMicros).toBe(2 * 1.1 * 15 * 1_000);
  });
});

describe("a bill", () => {
  const MODELS = [
    "claude-sonnet-4-6",
    "claude-sonnet-4-5",
    "claude-opus-5",
    "claude-haiku-4-5",
    "claude-haiku-5-5",
  ];
  const at = { baseUrl: "https://api.anthropic.com", apiKey: null, settings: {} };
  const priced = (model: string) =>
    priceOf(`anthropic/${model}`, { prices: {}, providers: { anthropic: { type: "anthropic", ...at } } });
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it("is never above what was bounded, for any split of as many tokens, in any region, with searches and a summary", () => {
    fc.assert(
      fc.property(
        fc.record({
          model: fc.constantFrom(...MODELS),
          bytes: fc.nat(400_000),
          ttl: fc.constantFrom("5m", "1h"),
          geo: fc.constantFrom("us", "global", null),
          speed: fc.constantFrom("standard", null),
          searches: fc.nat(3),
          isCompacted: fc.boolean(),
          shares: fc.tuple(share, share, share, share),
        }),
        ({ model, bytes, ttl, geo, speed, searches, isCompacted, shares }) => {
          const price = priced(model);
          const changes = {
            max_tokens: 8_000,
            system: [{ type: "text", text: "a".repeat(bytes), cache_control: { type: "ephemeral", ttl } }],
            inference_geo: geo,
            speed,
            ...(searches > 0
              ? { tools: [{ type: "web_search_20250305", name: "web_search", max_uses: searches }] }
              : {}),
            ...(isCompacted ? { context_management: { edits: [{ type: "compact_20260112" }] } } : {}),
          };
          const { estimateMicros } = bound(changes, asked({ model, price }), ["web_search"]);
          const passes = searches + 1;
          const most =
            searches > 0 ? (price.contextWindow ?? 0) : Math.min(bytes, price.contextWindow ?? bytes);
          const split = (all: number) => {
            const [a, b, c, d] = shares.map((each) => Math.floor((each * all) / 4)) as [
              number,
              number,
              number,
              number,
            ];
            return {
              input_tokens: a + (all - a - b - c - d),
              cache_read_input_tokens: b,
              cache_creation_input_tokens: c + d,
              cache_creation:
                ttl === "1h"
                  ? { ephemeral_5m_input_tokens: c, ephemeral_1h_input_tokens: d }
                  : { ephemeral_5m_input_tokens: c + d },
              output_tokens: 8_000 * passes,
            };
          };
          const usage = {
            ...split(most * passes),
            inference_geo: geo ?? "us",
            speed,
            server_tool_use: { web_search_requests: searches },
            ...(isCompacted ? { iterations: [{ type: "compaction", ...split(most * passes) }] } : {}),
          };
          const figures = anthropicFigures(usage);
          if ("unknown" in figures) throw new Error(figures.unknown);
          expect(costMicros(figures, price)).toBeLessThanOrEqual(estimateMicros);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("a smaller limit of the output", () => {
  const features: object[] = [
    {},
    { thinking: { type: "enabled", budget_tokens: 2_000 } },
    { thinking: { type: "enabled", budget_tokens: 90_000 } },
    { fallbacks: [{ model: "claude-haiku-4-5" }, { model: "claude-haiku-4-5", max_tokens: 9_000 }] },
    { tools: [{ type: "tool_search_tool_bm25_20251119", name: "a" }] },
    { tools: [{ type: "advisor_20260301", name: "advisor", model: "claude-haiku-4-5" }] },
    { context_management: { edits: [{ type: "compact_20260112" }] } },
    { teleport: true },
  ];

  it("that is offered fits into what is left, whatever else is asked for", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...features),
        fc.integer({ min: 1, max: 64_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (changes, max_tokens, share) => {
          const whole = bound({ ...changes, max_tokens }, asked(), ["advisor"]);
          const room = Math.floor(share * whole.estimateMicros);
          const offered = outputThatFits(whole, room);
          // Less is offered to nobody.
          if (offered < 4_096) return;
          expect(offered).toBeLessThan(max_tokens);
          const smaller = bound({ ...changes, max_tokens: offered }, asked(), ["advisor"]);
          expect(smaller.estimateMicros).toBeLessThanOrEqual(room);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
