import { describe, expect, it } from "vitest";
import { imageSize } from "../../../src/gateway/protocols/image-size.ts";
import { CALL_ROUTES } from "../../../src/gateway/routes.ts";
import { estimateMicros, hiddenTokensMax } from "../../../src/providers/estimate.ts";
import { openai } from "../../../src/providers/openai/openai.ts";
import { asked, body, png, rules } from "../protocols/calls.ts";
import {
  asking,
  bound,
  COMPATIBLE,
  FREE,
  inputOf,
  PRICED,
  refused,
  responding,
  WINDOW,
} from "../protocols/openai/asked.ts";

const WORDS = "one two three four ".repeat(500);
const UNSIZED = { ...COMPATIBLE, price: { input: 1, output: 10, cacheRead: 1, cacheWrite: 1 } };

function picture(url: string) {
  return asking({ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] });
}

describe("a chat's bound", () => {
  it("has room for a prediction that does not come true", () => {
    const prediction = { type: "content", content: WORDS };
    const more = bound("chat/completions", asking({ prediction })).outputTokensMax;
    expect(more).toBeGreaterThanOrEqual(50 + WORDS.length);
  });

  it("takes a document or film that is sent as a picture for as large as any", () => {
    for (const url of ["data:application/pdf;base64,JVBERi0=", "data:video/mp4;base64,AAAA"])
      for (const model of [PRICED, COMPATIBLE])
        expect(inputOf("chat/completions", picture(url), model)).toBe(WINDOW);
    expect(inputOf("chat/completions", picture("https://example.org/a"), COMPATIBLE)).toBe(WINDOW);
    expect(refused("chat/completions", picture("https://example.org/a"), UNSIZED)).not.toBeNull();
    expect(inputOf("chat/completions", picture("https://example.org/a"))).toBeLessThan(WINDOW);
  });

  it("is none for a file that OpenRouter has read elsewhere", () => {
    const said = asking({ messages: [{ role: "user", content: [{ type: "file", file: {} }] }] });
    expect(refused("chat/completions", said, { ...COMPATIBLE, server: "openrouter" })).not.toBeNull();
    expect(refused("chat/completions", said)).toBeNull();
  });

  it.each(["preset", "data_sources", "api_base", "base_url", "context_window_fallbacks"])(
    "is none for %s",
    (key) => {
      expect(refused("chat/completions", asking({ [key]: ["x"] }), COMPATIBLE)).toBe(key);
      expect(refused("chat/completions", asking({ [key]: ["x"] }), FREE)).toBeNull();
    },
  );
});

describe("a completion's bound", () => {
  it.each(["true", 1])("has room for an echo that a lenient server takes %j for", (echo) => {
    const said = { model: "x", prompt: WORDS, max_tokens: 5 };
    const plain = bound("completions", said, COMPATIBLE).outputTokensMax;
    const more = bound("completions", { ...said, echo }, COMPATIBLE).outputTokensMax;
    expect(more - plain).toBeGreaterThanOrEqual(WORDS.length);
  });
});

describe("a response's bound", () => {
  it("has room for several, where a server gives them", () => {
    expect(bound("responses", responding({ n: 8 }), COMPATIBLE).outputTokensMax).toBe(400);
  });
});

describe("a message's bound", () => {
  const route = CALL_ROUTES.find(({ path }) => path === "/v1/messages");
  const said = { model: "x", max_tokens: 0, messages: [{ role: "user", content: "hi" }] };

  it("is not 0 for a limit that other servers take for none", () => {
    const elsewhere = route?.bound(body(said), asked({ isOriginal: false }), rules());
    expect(elsewhere).toMatchObject({ outputTokensMax: 32_000, pins: { max_tokens: 32_000 } });
    const atHome = route?.bound(body(said), asked(), rules());
    expect(atHome).toMatchObject({ outputTokensMax: 0 });
  });
});

describe("a bound at Ollama", () => {
  it("takes a template of the client's for as many prompts as the model can read", () => {
    const route = CALL_ROUTES.find(({ path }) => path === "/api/generate");
    const said = { model: "x", prompt: WORDS, template: "{{.Prompt}}".repeat(500) };
    const model = asked({ providerType: "ollama", isOriginal: false });
    expect(route?.bound(body(said), model, rules()).estimateTokens).toBeGreaterThanOrEqual(1_000_000);
    const { contextWindow: _, ...price } = model.price;
    expect(() => route?.bound(body(said), { ...model, price }, rules())).toThrow("template");
  });
});

describe("a picture's size", () => {
  it("is not known where readers of base64 see different pictures", () => {
    const small = png(10, 10);
    expect(imageSize(small)).toEqual({ width: 10, height: 10 });
    expect(imageSize(`${small.slice(0, 40)}----${small.slice(40)}`)).toBeNull();
  });
});

describe("OpenAI's addresses of one region", () => {
  it("are its own, with its tiers and its limit", () => {
    const at = (baseUrl: string) => openai.serverOf?.({ name: "openai", baseUrl, settings: {} });
    const own = { isOriginal: true, tokenLimit: "max_completion_tokens" };
    expect(at("https://eu.api.openai.com/v1")).toMatchObject(own);
    expect(at("https://api.openai.com/v1")).toMatchObject(own);
    expect(openai.relay.isOriginal(new URL("https://us.api.openai.com/v1"))).toBe(true);
    for (const other of ["http://eu.api.openai.com/v1", "https://eu.api.openai.com.example.org/v1"])
      expect(at(other)).toMatchObject({ isOriginal: false, tokenLimit: "max_tokens" });
  });
});

describe("another spelling of a key inside of a request", () => {
  const message = (more: object) => asking({ messages: [{ role: "user", ...more }] });
  const content = [{ type: "image_url", image_url: { url: "https://example.org/a" } }];

  it("is refused where the server may take it for the key", () => {
    expect(refused("chat/completions", message({ Content: content }), COMPATIBLE)).toBe("Content");
    expect(
      refused("chat/completions", message({ content: [{ type: "text", Image_URL: {} }] }), COMPATIBLE),
    ).toBe("Image_URL");
    expect(refused("chat/completions", message({ Content: content }))).toBeNull();
    const route = CALL_ROUTES.find(({ path }) => path === "/v1/messages");
    const tools = [{ Type: "web_search_20250305", name: "web_search" }];
    const said = { model: "x", max_tokens: 5, messages: [{ role: "user", content: "hi" }], tools };
    expect(() => route?.bound(body(said), asked({ isOriginal: false }), rules())).toThrow("Type");
  });

  it("is the client's own in its data", () => {
    const schema = { type: "object", properties: { Type: { type: "string" }, Content: {} } };
    const tools = [{ type: "function", function: { name: "a", parameters: schema } }];
    expect(refused("chat/completions", asking({ tools }), COMPATIBLE)).toBeNull();
    const route = CALL_ROUTES.find(({ path }) => path === "/v1/messages");
    const use = { type: "tool_use", id: "a", name: "a", input: { Type: "x", Content: "y" } };
    const said = { model: "x", max_tokens: 5, messages: [{ role: "assistant", content: [use] }] };
    expect(() => route?.bound(body(said), asked({ isOriginal: false }), rules())).not.toThrow();
  });
});

describe("a larger window that is asked for in the body", () => {
  it("counts as one that is asked for in the header", () => {
    const route = CALL_ROUTES.find(({ path }) => path === "/v1/messages");
    const { price } = asked();
    const model = asked({ isOriginal: false, price: { ...price, contextWindow: 200_000 } });
    const said = { model: "x", max_tokens: 5, messages: [], anthropic_beta: ["context-1m-2025-08-07"] };
    const document = { type: "document", source: { type: "url", url: "https://example.org/a.pdf" } };
    const asking = { ...said, messages: [{ role: "user", content: [document] }] };
    expect(() => route?.bound(body(asking), model, rules())).toThrow("context-1m");
  });
});

describe("what a provider writes into a request itself", () => {
  it("is within the bound: before all that Grok reads", () => {
    const grok = { ...COMPATIBLE, reference: "xai/grok-4", model: "grok-4", server: "xai" };
    const said = asking({ messages: [{ role: "user", content: "Hello!" }] });
    expect(inputOf("chat/completions", said, grok)).toBeGreaterThan(700);
    expect(inputOf("chat/completions", said, COMPATIBLE)).toBeLessThan(700);
    const price = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };
    expect(estimateMicros("Hello!", 1, 1, price, hiddenTokensMax("grok-4"))).toBeGreaterThan(700);
  });

  it("is within the bound: around the form that a message is to have", () => {
    const route = CALL_ROUTES.find(({ path }) => path === "/v1/messages");
    const said = { model: "x", max_tokens: 1, messages: [{ role: "user", content: "hi" }] };
    const plain = route?.bound(body(said), asked(), rules()).estimateTokens ?? 0;
    for (const form of [{ output_format: { type: "json_schema" } }, { output_config: { format: {} } }]) {
      const more = route?.bound(body({ ...said, ...form }), asked(), rules()).estimateTokens ?? 0;
      expect(more - plain).toBeGreaterThan(1_000);
    }
  });

  it("is within the bound: what a thread holds may be written to the cache", () => {
    const route = CALL_ROUTES.find(({ path }) => path === "/v1/messages");
    const said = { model: "x", max_tokens: 1, messages: [], thread: { type: "continue", id: "a" } };
    const { estimateMicros: micros = 0 } = route?.bound(body(said), asked(), rules()) ?? {};
    const { price } = asked();
    expect(micros).toBeGreaterThanOrEqual(1_000_000 * (price.cacheWrite1h ?? 0));
  });
});
