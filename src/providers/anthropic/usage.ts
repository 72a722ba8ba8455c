import { countIn, isRecord } from "../reply-json.ts";
import type { Figures, Pass, UnknownCost, Usage } from "../types.ts";

const COUNTS = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
const WRITES = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"];
/** Where a call may have been kept; only "us" has a price of its own. */
const REGIONS = ["global", "not_available", "us"];

/** What applies to all passes of a call. */
type Terms = Pick<Usage, "tier" | "isRegional">;

/**
 * What Anthropic says a call took (https://platform.claude.com/docs/en/api/messages). `input_tokens` leaves out what was read
 * from or written to the cache; `cache_creation` splits what was written by how long it is kept. `iterations` tell of each
 * pass: those of the model itself are inside the counts, those that compact the conversation and those of an advising model
 * are not. Tier and speed stand as one tier, `priority`, `fast`, `batch+fast`: whether it has a price is the price's to say.
 */
export function anthropicFigures(usage: unknown): Figures {
  if (!isRecord(usage)) return { unknown: "it does not say how many tokens the call took" };
  const top = countsIn(usage);
  if ("unknown" in top) return top;
  const terms = termsIn(usage);
  if ("unknown" in terms) return terms;
  const tools = toolsIn(usage.server_tool_use);
  if ("unknown" in tools) return tools;
  const passes = passesIn(usage.iterations, { ...top, ...terms }, terms);
  if ("unknown" in passes) return passes;
  const [first, ...rest] = passes;
  const uses = tools.uses.length > 0 ? { tools: Object.fromEntries(tools.uses) } : {};
  // Where another model served all of it, no pass of the model itself is billed.
  if (first.model !== null) return { ...NOTHING, ...uses, passes };
  return { ...first.usage, ...uses, ...(rest.length > 0 ? { passes: rest } : {}) };
}

const NOTHING: Usage = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };

/** The counts of a call, or of one pass of it. */
function countsIn(usage: Record<string, unknown>): Figures {
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
  const cacheWrite1hTokens = hour ?? 0;
  return {
    inputTokens,
    cacheReadTokens: reads ?? 0,
    cacheWriteTokens: (writes ?? written) - cacheWrite1hTokens,
    ...(cacheWrite1hTokens > 0 ? { cacheWrite1hTokens } : {}),
    outputTokens,
  };
}

function termsIn({ service_tier, speed, inference_geo: geo }: Record<string, unknown>): Terms | UnknownCost {
  const others = [service_tier ?? "standard", speed ?? "standard"].filter((each) => each !== "standard");
  if (geo !== undefined && geo !== null && !REGIONS.includes(String(geo))) {
    return otherPrices(`it was kept in the region "${String(geo).slice(0, 50)}", whose prices are not known`);
  }
  return {
    ...(others.length > 0 ? { tier: others.map((each) => String(each).slice(0, 50)).join("+") } : {}),
    ...(geo === "us" ? { isRegional: true as const } : {}),
  };
}

/** How often tools ran at the provider, by their names: `web_search_requests` counts `web_search`. */
function toolsIn(counted: unknown): { uses: [string, number][] } | UnknownCost {
  if (counted === undefined || counted === null) return { uses: [] };
  if (!isRecord(counted)) return otherPrices("it does not say how often tools ran at the provider");
  const uses: [string, number][] = [];
  for (const [name, value] of Object.entries(counted)) {
    const count = value === null ? 0 : countIn(value);
    if (count === null) return otherPrices(`its ${name.slice(0, 50)} is no count of uses`);
    if (count > 0) uses.push([name.replace(/_requests$/, "").slice(0, 50), count]);
  }
  return { uses };
}

/** All that is billed, first what `top` says, in passes where it says so. A model that declined is listed, and not billed. */
function passesIn(iterations: unknown, top: Usage, terms: Terms): [Pass, ...Pass[]] | UnknownCost {
  if (iterations === undefined || iterations === null) return [{ model: null, usage: top }];
  if (!Array.isArray(iterations)) return otherPrices("it does not say which passes of the model it bills");
  const own: Pass[] = [];
  const besides: Pass[] = [];
  let server: string | null = null;
  for (const each of iterations) {
    const type = isRecord(each) ? each.type : undefined;
    const figures = isRecord(each) ? countsIn(each) : NOTHING;
    const model = isRecord(each) && typeof each.model === "string" ? each.model : null;
    const isCounted = !("unknown" in figures);
    const usage = isCounted ? { ...figures, ...terms } : NOTHING;
    if (type === "message") own.push({ model, usage });
    else if (type === "compaction" && isCounted) besides.push({ model: null, usage });
    else if (type === "advisor_message" && isCounted && model !== null) besides.push({ model, usage });
    else if (type === "fallback_message" && isCounted && model !== null) {
      own.push({ model, usage });
      server = model;
    } else return otherPrices(`it bills a pass "${String(type).slice(0, 50)}" that cannot be priced`);
  }
  const served = own
    .filter(({ model }) => server === null || model === server)
    .map(({ usage }): Pass => ({ model: server, usage, isReply: true }));
  const [first, ...rest] = addUpTo(top, served) ? served : [];
  if (first !== undefined) return [first, ...rest, ...besides];
  if (server !== null) return otherPrices(`it does not say what ${server.slice(0, 100)} took of it`);
  return [{ model: null, usage: top }, ...besides];
}

function addUpTo(top: Usage, passes: Pass[]): boolean {
  const kinds = [
    "inputTokens",
    "cacheReadTokens",
    "cacheWriteTokens",
    "cacheWrite1hTokens",
    "outputTokens",
  ] as const;
  return kinds.every(
    (kind) => passes.reduce((sum, { usage }) => sum + (usage[kind] ?? 0), 0) === (top[kind] ?? 0),
  );
}

function otherPrices(unknown: string): UnknownCost {
  return { unknown, hasOtherPrices: true };
}
