import { chargeMicrosFromUsd } from "../../lib/money.ts";
import { countIn, isRecord } from "../reply-json.ts";
import type { Figures, UnknownCost, Usage } from "../types.ts";
import { toolUsesIn } from "./tool-uses.ts";

/** What a reply calls the tier whose prices are the listed ones: OpenAI and Azure, Bedrock, Groq. */
const LISTED_TIERS = ["default", "standard", "on_demand"];

/** Far beyond what any call can cost. */
const STATED_USD_MAX = 1_000_000;

/** How the two APIs name the same counts. */
const CHAT = { input: "prompt_tokens", output: "completion_tokens" };
const RESPONSES = { input: "input_tokens", output: "output_tokens" };

/**
 * What an OpenAI-compatible server says a chat completion took, read from the whole reply. Servers differ in what they count,
 * so the output is the most that the figures allow (a bill above it would contradict them), and figures that contradict each
 * other say nothing.
 *
 * - OpenAI, DeepSeek, Mistral and vLLM count reasoning inside `completion_tokens`
 *   (https://platform.openai.com/docs/api-reference/chat/object).
 * - xAI counts it outside: only `total_tokens` has it (https://docs.x.ai/docs/guides/reasoning). So do bridges to Gemini.
 * - Cached input is part of `prompt_tokens`, as `prompt_tokens_details.cached_tokens`, or as DeepSeek's
 *   `prompt_cache_hit_tokens`, which with `prompt_cache_miss_tokens` make all of it
 *   (https://api-docs.deepseek.com/guides/kv_cache). Bridges to Claude use Claude's names for it.
 */
export function openaiFigures(said: unknown): Figures {
  return figuresOf(said, CHAT);
}

/**
 * What a response of the Responses API took, read from the whole response
 * (https://platform.openai.com/docs/api-reference/responses/object): counts as above by other names, and uses of tools that
 * ran at the provider, from `tool_usage` and `output`.
 */
export function responsesFigures(response: unknown): Figures {
  return figuresOf(response, RESPONSES);
}

function figuresOf(said: unknown, names: typeof CHAT): Figures {
  const { usage, service_tier: tier } = isRecord(said) ? said : {};
  if (!isRecord(said) || !isRecord(usage))
    return { unknown: "it does not say how many tokens the call took" };
  const counts = countsIn(usage, names);
  if ("unknown" in counts) return counts;
  const tools = toolUsesIn(said, usage);
  if ("unknown" in tools) return tools;
  const stated = statedIn(usage);
  if (stated !== null && typeof stated !== "number") return stated;
  const isListed = tier === undefined || tier === null || LISTED_TIERS.includes(String(tier));
  return {
    ...counts,
    ...(isListed ? {} : { tier: String(tier).slice(0, 50) }),
    ...(Object.keys(tools.uses).length > 0 ? { tools: tools.uses } : {}),
    ...(stated === null ? {} : { statedMicros: stated }),
  };
}

/**
 * What OpenRouter says that it bills, in micro-dollars (a credit is a dollar): its counts do not tell for how long something was
 * written to a cache, nor of its plugins (https://openrouter.ai/docs/use-cases/usage-accounting). With a key of one's own at the
 * model's provider, that one's bill comes on top. Null for all others.
 */
function statedIn({
  cost,
  cost_details: details,
  is_byok,
}: Record<string, unknown>): number | null | UnknownCost {
  if (cost === undefined || cost === null || !isRecord(details)) return null;
  const above = is_byok === true ? (details.upstream_inference_cost ?? 0) : 0;
  const usd = typeof cost === "number" && typeof above === "number" ? cost + above : Number.NaN;
  if (!(usd >= 0 && usd <= STATED_USD_MAX)) return { unknown: "its cost is no amount" };
  return chargeMicrosFromUsd(usd);
}

function countsIn(usage: Record<string, unknown>, names: typeof CHAT): Usage | UnknownCost {
  const read = reader(usage);
  const [inputs, outputs] = [`${names.input}_details`, `${names.output}_details`];
  const prompt = read.count(names.input);
  const completion = read.count(names.output);
  const total = read.count("total_tokens");
  const reasoning = read.largest(`${outputs}.reasoning_tokens`, "reasoning_tokens") ?? 0;
  const written = writesIn(read, inputs);
  // What was read from the cache is cheaper: of several figures the smallest is the dearest reading.
  const cacheReadTokens =
    read.smallest(
      `${inputs}.cached_tokens`,
      "prompt_cache_hit_tokens",
      "cache_read_input_tokens",
      "cached_tokens",
    ) ?? 0;
  const hit = read.count("prompt_cache_hit_tokens");
  const miss = read.count("prompt_cache_miss_tokens");
  const others = [`${inputs}.audio_tokens`, `${outputs}.audio_tokens`, `${outputs}.image_tokens`];
  const other = others.find((path) => (read.count(path) ?? 0) > 0);
  const odd = read.odd();
  if (odd !== null) return { unknown: `its ${odd} is no count of tokens` };
  if (prompt === null || completion === null) {
    return { unknown: `its usage has no ${prompt === null ? names.input : names.output}` };
  }
  if (total !== null && total < prompt + completion) {
    return { unknown: "it counts fewer tokens in all than prompt and completion have" };
  }
  if (miss !== null && (hit ?? 0) + miss !== prompt) {
    return { unknown: "its cached and uncached prompt tokens are not all of its prompt tokens" };
  }
  if ("unknown" in written) return written;
  const inputTokens =
    prompt - cacheReadTokens - written.cacheWriteTokens - (written.cacheWrite12hTokens ?? 0);
  if (inputTokens < 0) return { unknown: "it counts more cached tokens than prompt tokens" };
  if (other !== undefined)
    return { unknown: `it bills ${other}, which have a price of their own`, hasOtherPrices: true };
  // Reasoning is certainly inside only where the total leaves no room for it outside, and it fits in.
  const isInside = total === prompt + completion && reasoning <= completion;
  const outputTokens = isInside ? completion : Math.max(completion + reasoning, (total ?? 0) - prompt);
  return { inputTokens, cacheReadTokens, ...written, outputTokens };
}

/** What was written to the cache, by how long it is kept where the figures say so. */
function writesIn(
  read: ReturnType<typeof reader>,
  inputs: string,
): Pick<Usage, "cacheWriteTokens" | "cacheWrite12hTokens"> | UnknownCost {
  const stated = read.largest(
    `${inputs}.cache_write_tokens`,
    `${inputs}.cache_creation_tokens`,
    "cache_creation_input_tokens",
  );
  const minutes = read.count(`${inputs}.cache_write_tokens_details.ttl_30m_tokens`);
  const halfDay = read.count(`${inputs}.cache_write_tokens_details.ttl_12h_tokens`);
  const split = minutes === null && halfDay === null ? null : (minutes ?? 0) + (halfDay ?? 0);
  if (split !== null && stated !== null && split !== stated) {
    return { unknown: "what it wrote to the cache is not what its two kinds of cache add up to" };
  }
  const cacheWrite12hTokens = halfDay ?? 0;
  const cacheWriteTokens = (stated ?? split ?? 0) - cacheWrite12hTokens;
  return { cacheWriteTokens, ...(cacheWrite12hTokens > 0 ? { cacheWrite12hTokens } : {}) };
}

/** Reads counts by their paths, and remembers the first that is there and is none. Null is left out. */
function reader(usage: Record<string, unknown>) {
  let odd: string | null = null;
  const count = (path: string): number | null => {
    let value: unknown = usage;
    for (const key of path.split(".")) value = isRecord(value) ? value[key] : undefined;
    if (value === undefined || value === null) return null;
    const found = countIn(value);
    if (found === null) odd ??= path;
    return found;
  };
  const several = (paths: string[]) => paths.map(count).filter((found) => found !== null);
  return {
    count,
    largest: (...paths: string[]) =>
      several(paths).reduce<number | null>((a, b) => Math.max(a ?? b, b), null),
    smallest: (...paths: string[]) =>
      several(paths).reduce<number | null>((a, b) => Math.min(a ?? b, b), null),
    odd: () => odd,
  };
}
