import { describe, expect, it } from "vitest";
import type { AskedModel } from "../../../../src/gateway/protocols/protocol.ts";
import { asking, bound, COMPATIBLE, inputOf, PRICED, RULES, refused, route } from "./asked.ts";

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
      provider: { sort: "price", max_price: { prompt: 1, completion: 10, request: 0 } },
    });
  });
});
