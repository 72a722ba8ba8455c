import { countIn, isRecord } from "../reply-json.ts";
import type { Figures } from "../types.ts";

/**
 * What an OpenAI-compatible server says a call took. Servers differ in what they count, so the output is the most that the
 * figures allow (a bill above it would contradict them), and figures that contradict each other say nothing.
 *
 * - OpenAI, DeepSeek, Mistral and vLLM count reasoning inside `completion_tokens`
 *   (https://platform.openai.com/docs/api-reference/chat/object).
 * - xAI counts it outside: only `total_tokens` has it (https://docs.x.ai/docs/guides/reasoning). So do bridges to Gemini.
 * - Cached input is part of `prompt_tokens`, as `prompt_tokens_details.cached_tokens`, or as DeepSeek's
 *   `prompt_cache_hit_tokens`, which with `prompt_cache_miss_tokens` make all of it
 *   (https://api-docs.deepseek.com/guides/kv_cache). Bridges to Claude use Claude's names for it.
 */
export function openaiFigures(usage: unknown): Figures {
  if (!isRecord(usage)) return { unknown: "it does not say how many tokens the call took" };
  const read = reader(usage);
  const prompt = read.count("prompt_tokens");
  const completion = read.count("completion_tokens");
  const total = read.count("total_tokens");
  const reasoning = read.largest("completion_tokens_details.reasoning_tokens", "reasoning_tokens") ?? 0;
  const cacheWriteTokens =
    read.largest(
      "prompt_tokens_details.cache_write_tokens",
      "prompt_tokens_details.cache_creation_tokens",
      "cache_creation_input_tokens",
    ) ?? 0;
  // What was read from the cache is cheaper: of several figures the smallest is the dearest reading.
  const cacheReadTokens =
    read.smallest(
      "prompt_tokens_details.cached_tokens",
      "prompt_cache_hit_tokens",
      "cache_read_input_tokens",
      "cached_tokens",
    ) ?? 0;
  const hit = read.count("prompt_cache_hit_tokens");
  const miss = read.count("prompt_cache_miss_tokens");
  const odd = read.odd();
  if (odd !== null) return { unknown: `its ${odd} is no count of tokens` };
  if (prompt === null || completion === null) {
    return { unknown: `its usage has no ${prompt === null ? "prompt_tokens" : "completion_tokens"}` };
  }
  if (total !== null && total < prompt + completion) {
    return { unknown: "it counts fewer tokens in all than prompt and completion have" };
  }
  if (miss !== null && (hit ?? 0) + miss !== prompt) {
    return { unknown: "its cached and uncached prompt tokens are not all of its prompt tokens" };
  }
  const inputTokens = prompt - cacheReadTokens - cacheWriteTokens;
  if (inputTokens < 0) return { unknown: "it counts more cached tokens than prompt tokens" };
  // Reasoning is certainly inside only where the total leaves no room for it outside, and it fits in.
  const isInside = total === prompt + completion && reasoning <= completion;
  const outputTokens = isInside ? completion : Math.max(completion + reasoning, (total ?? 0) - prompt);
  return { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens };
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
