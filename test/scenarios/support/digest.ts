/** afk.yaml of an agent whose one job is a digest of /data/inbox, made by the stand-in model, which costs money here. */
export const MODEL = "ollama/qwen2.5:3b";
/** Most that a call can cost, and what one that is answered costs: 10 and 7 tokens of output at 1,000 USD a million. */
export const BOUND_USD = 0.01;
export const COST_USD = 0.007;

export interface DigestOptions {
  budget?: Record<string, unknown>;
  models?: Record<string, unknown>;
  breaker?: Record<string, unknown>;
  /** More jobs. */
  jobs?: readonly Record<string, unknown>[];
}

export function digestConfig({ budget, models, breaker, jobs = [] }: DigestOptions = {}) {
  return {
    agent: "in-containers",
    budget: { daily_cap_usd: 1, ...budget },
    models: {
      chain: [MODEL],
      max_output_tokens: 10,
      providers: { ollama: { base_url: "http://ollama:11434" } },
      prices: { [MODEL]: { input: 0, output: 1_000 } },
      ...models,
    },
    ...(breaker === undefined ? {} : { breaker }),
    jobs: [
      { name: "digest", kind: "digest", every: "1h", max_items: 30, sources: [{ folder: "/data/inbox" }] },
      ...jobs,
    ],
  };
}
