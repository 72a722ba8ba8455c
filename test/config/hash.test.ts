// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { describe, expect, it } from "vitest";
import { configHash } from "../../src/config/hash.ts";
import { load, withBase } from "./support.ts";

const document = withBase({
  models: { chain: ["extractive"], providers: { openai: { api_key: "${KEY}" } } },
  alerts: [{ type: "webhook", url: "${HOOK}" }],
});
const environment = { KEY: "sk-0123456789", HOOK: "https://hook.example/0123456789" };
const hash = (over: Record<string, unknown> = {}, variables: Record<string, string> = {}) =>
  configHash(load({ ...document, ...over }, { environment: { ...environment, ...variables } }));

describe("configHash", () => {
  it("is the same for the same configuration wherever it lies", () => {
    expect(hash()).toMatch(/^[0-9a-f]{64}$/);
    expect(hash()).toBe(hash());
  });

  it("does not depend on the order of keys", () => {
    const prices = { "openai/a": { input: 1, output: 2 }, "openai/b": { output: 2, input: 1 } };
    const turned = { "openai/b": { input: 1, output: 2 }, "openai/a": { output: 2, input: 1 } };
    expect(hash({ models: { chain: ["extractive"], prices } })).toBe(
      hash({ models: { chain: ["extractive"], prices: turned } }),
    );
  });

  it("does not depend on the values of secrets", () => {
    expect(hash({}, { KEY: "sk-renewed-key", HOOK: "https://hook.example/renewed" })).toBe(hash());
  });

  it("changes with a cap, a host setting, a job, or a channel more", () => {
    const hashes = [
      hash(),
      hash({ budget: { daily_cap_usd: 2 } }),
      hash({}, { DAILY_CAP_USD: "3" }),
      hash({ jobs: [{ name: "p", kind: "plain", command: ["a"] }] }),
      hash({ jobs: [{ name: "p", kind: "plain", command: ["b"] }] }),
      hash({ alerts: [] }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
