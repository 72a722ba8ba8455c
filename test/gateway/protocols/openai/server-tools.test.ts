import { describe, expect, it } from "vitest";
import type { AskedModel } from "../../../../src/gateway/protocols/protocol.ts";
import { asking, bound, PRICED, refused, responding, WINDOW } from "./asked.ts";

const searching: AskedModel = {
  ...PRICED,
  price: { ...PRICED.price, tools: { web_search: 0.01, file_search: 0.0025, code_interpreter: 0.03 } },
};

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
