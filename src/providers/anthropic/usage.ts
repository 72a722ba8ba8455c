import { countIn, isRecord } from "../reply-json.ts";
import type { Figures } from "../types.ts";

const COUNTS = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
const WRITES = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"];
/** Where a call may have been kept; only "us" has a price of its own. */
const REGIONS = ["global", "not_available", "us"];

/**
 * What Anthropic says a call took (https://platform.claude.com/docs/en/api/messages). `input_tokens` leaves out what was read
 * from or written to the cache; `cache_creation` splits what was written by how long it is kept. Tools that run at the
 * provider, passes that the figures leave out (`iterations`) and tiers of other prices are never asked for; where the reply
 * tells of them all the same, tokens alone do not price it.
 */
export function anthropicFigures(usage: unknown): Figures {
  if (!isRecord(usage)) return { unknown: "it does not say how many tokens the call took" };
  const split = isRecord(usage.cache_creation) ? usage.cache_creation : {};
  const counts = new Map<string, number | null>();
  for (const [from, names] of [[usage, COUNTS] as const, [split, WRITES] as const]) {
    for (const name of names) {
      const value = from[name] ?? null;
      const count = value === null ? null : countIn(value);
      if (value !== null && count === null) return { unknown: `its ${name} is no count of tokens` };
      counts.set(name, count);
    }
  }
  const [inputTokens, outputTokens, reads, writes] = COUNTS.map((name) => counts.get(name) ?? null);
  const [minutes, hour] = WRITES.map((name) => counts.get(name) ?? null);
  if (inputTokens == null || outputTokens == null) {
    return { unknown: `its usage has no ${inputTokens == null ? "input_tokens" : "output_tokens"}` };
  }
  const written = (minutes ?? 0) + (hour ?? 0);
  const isSplit = minutes != null || hour != null;
  if (isSplit && writes != null && writes !== written) {
    return { unknown: "what it wrote to the cache is not what its two kinds of cache add up to" };
  }
  const besides = billedBesides(usage);
  if (besides !== null) return { unknown: besides, hasOtherPrices: true };
  const cacheWrite1hTokens = hour ?? 0;
  return {
    inputTokens,
    cacheReadTokens: reads ?? 0,
    cacheWriteTokens: (writes ?? written) - cacheWrite1hTokens,
    ...(cacheWrite1hTokens > 0 ? { cacheWrite1hTokens } : {}),
    outputTokens,
    ...(usage.inference_geo === "us" ? { isRegional: true as const } : {}),
  };
}

/** What the tokens' prices do not cover, in words; null for nothing. */
function billedBesides(usage: Record<string, unknown>): string | null {
  const { service_tier: tier, speed, inference_geo: geo, server_tool_use: tools, iterations } = usage;
  const terms: [value: unknown, listed: string[], words: string][] = [
    [tier, ["standard"], "was served in the tier"],
    [speed, ["standard"], "was served at the speed"],
    [geo, REGIONS, "was kept in the region"],
  ];
  for (const [value, listed, words] of terms) {
    if (value !== undefined && value !== null && !(typeof value === "string" && listed.includes(value)))
      return `it ${words} "${String(value).slice(0, 50)}", whose prices are not known`;
  }
  if (isRecord(tools) && Object.values(tools).some((uses) => uses !== 0 && uses !== null)) {
    return "it bills tools that ran at the provider";
  }
  if (Array.isArray(iterations) && iterations.some((pass) => !isRecord(pass) || pass.type !== "message")) {
    return "it bills passes of the model that its token counts leave out";
  }
  return null;
}
