import { describe, expect, it } from "vitest";
import type { AskedModel } from "../../../../src/gateway/protocols/protocol.ts";
import { asking, bound, COMPATIBLE, FREE, hello, inputOf, PRICED, refused, responding } from "./asked.ts";

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

  it("is not written where a flat plan refuses it, and has no bound there on a priced model", () => {
    const plan = { ...FREE, server: "chatgpt" };
    expect(bound("responses", { input: "hi" }, plan)).toMatchObject({ outputTokensMax: 1000, pins: {} });
    expect(refused("responses", { input: "hi" }, { ...COMPATIBLE, server: "chatgpt" })).toBe(
      "max_output_tokens",
    );
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

  it("are not asked for where the field is refused, and they come all the same", () => {
    const model = { ...COMPATIBLE, server: "mistral" };
    const said = bound("chat/completions", asking({ stream: true, max_tokens: 50 }), model);
    expect(said).toMatchObject({ pins: {}, hidesUsage: false });
    expect(said.pins).not.toHaveProperty("stream_options");
  });
});
