import { writeFileSync } from "node:fs";
import { type Entry, ratesOf, usePrice } from "./entry.ts";
import { exactNames, type Listed, matches, readSources } from "./source.ts";

/**
 * Writes src/providers/prices.json: `npm run prices -- FOLDER`, with the wheels of genai-prices and litellm in FOLDER
 * (CONTRIBUTING.md). For development; what runs reads the file alone, so that a price changes by a commit and not by itself.
 *
 * Prices are those of genai-prices. LiteLLM's map adds the tier and the tools that it lacks; of two context windows the
 * larger one is taken, since it bounds what a call can cost.
 */

/**
 * Ids of genai-prices, and what LiteLLM's map has before a model's name, by the names that afk has for the servers
 * (src/providers). Not Azure: what a model is called there is its owner's choice.
 */
const PROVIDERS = {
  anthropic: ["anthropic", ""],
  openai: ["openai", ""],
  openrouter: ["openrouter", "openrouter/"],
  xai: ["x-ai", "xai/"],
  deepseek: ["deepseek", "deepseek/"],
  mistral: ["mistral", "mistral/"],
  groq: ["groq", "groq/"],
  together: ["together", "together_ai/"],
  google: ["google", "gemini/"],
} as const;
type Name = keyof typeof PROVIDERS;

/**
 * Models that bill more than the tokens of one conversation in text, so that token prices bound nothing: audio, images, searches, and
 * what each of several agents at the provider reads and writes.
 */
const BILLS_MORE = /audio|image|tts|search|research|computer|sonar|online|multi-agent|fugu/;
/** What redirects to the newest of a family is billed at the price of whichever that is. */
const REDIRECTS = /^~/;
/** Models whose price depends on who serves or trained them, and models that take no conversation. */
const NOT_SOLD_AS_CHAT: Partial<Record<Name, RegExp>> = {
  openai: /gpt-oss|^ft:|\.ft-|instruct|^(text-)?(ada|babbage|curie|davinci)/,
  google: /gemma|embedding|live/,
  mistral: /ocr|moderation/,
};
/** Where a model that also hears has a price for that; a conversation in text has no such tokens. */
const HEARS = new Set<Name>(["google", "openrouter"]);

/** What the older web search costs at most, where LiteLLM's map says nothing of it. */
const PREVIEW_USD = 0.025;

/** Where a higher price begins beyond the window, a beta takes so much. */
const BETA_WINDOW = 1_000_000;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("write npm run prices -- FOLDER, see CONTRIBUTING.md");
const today = new Date().toISOString().slice(0, 10);
const sources = readSources(folder);
const models = (Object.keys(PROVIDERS) as Name[]).flatMap((name) => {
  const all = sources.providers.find(({ id }) => id === PROVIDERS[name][0])?.models;
  if (all === undefined) throw new Error(`genai-prices has no provider ${PROVIDERS[name][0]}`);
  return all.flatMap((model) => entriesOf(name, model, all));
});
const [version, mapVersion] = sources.versions;
const head = {
  date: today,
  source: `genai-prices ${version}, https://github.com/pydantic/genai-prices; litellm ${mapVersion}, https://github.com/BerriAI/litellm`,
  license: "MIT, Copyright (c) Pydantic Services Inc. 2025 to present; MIT, Copyright (c) 2023 Berri AI",
  unit:
    "USD per million tokens; steps: all tokens of a call whose input is above; tiers: factors; tools: USD a use; " +
    "dated: also with a date at the end of the name",
};
const file = new URL("../../src/providers/prices.json", import.meta.url);
writeFileSync(file, render(head, models));
process.stdout.write(`${models.length} models as of ${today}\n`);

function entriesOf(name: Name, model: Listed, all: Listed[]): Array<[string, Entry]> {
  const isSkipped = [BILLS_MORE, REDIRECTS, NOT_SOLD_AS_CHAT[name]].some((names) => names?.test(model.id));
  const sellsHours = name === "openrouter" && model.id.startsWith("anthropic/");
  const reading = { today, mayHear: HEARS.has(name), sellsHalfDays: name === "openai", sellsHours };
  const rates = isSkipped ? undefined : ratesOf(model, reading);
  if (rates === undefined) return [];
  const isName = (each: string) => all.find(({ match }) => matches(each, match))?.id === model.id;
  const date = name === "anthropic" ? "20991231" : "2099-12-31";
  const names = [...new Set([model.id, ...exactNames(model.match)])].filter(
    (each) => isName(each) && !BILLS_MORE.test(each) && !REDIRECTS.test(each),
  );
  return names.map((each) => {
    const entry = {
      ...rates,
      ...windowOf(name, model, each, rates),
      ...tiersOf(name, model, each, rates),
      ...toolsOf(name, model),
    };
    return [`${name}/${each}`, isName(`${each}-${date}`) ? { ...entry, dated: true } : entry];
  });
}

function windowOf(
  name: Name,
  model: Listed,
  each: string,
  { steps = [] }: Entry,
): Pick<Entry, "contextWindow"> {
  const mapped = [model.id, each].map((known) => numberIn(name, known, "max_input_tokens"));
  const contextWindow = Math.max(model.context_window ?? 0, ...mapped);
  const isWhole = steps.every(({ above }) => above < contextWindow);
  return contextWindow > 0 ? { contextWindow: isWhole ? contextWindow : BETA_WINDOW } : {};
}

/** With the tier that only LiteLLM's map has. */
function tiersOf(
  name: Name,
  model: Listed,
  each: string,
  { input, tiers = {} }: Entry,
): Pick<Entry, "tiers"> {
  const rate = Math.max(
    ...[model.id, each].map((known) => numberIn(name, known, "input_cost_per_token_ultrafast")),
  );
  const all = rate > 0 ? { ...tiers, ultrafast: Math.ceil((rate * 1e6 * 1e4) / input - 1e-6) / 1e4 } : tiers;
  return Object.keys(all).length > 0 ? { tiers: all } : {};
}

/** Tools that run at Anthropic and at OpenAI; fetching a page costs its tokens alone. */
function toolsOf(name: Name, model: Listed): Pick<Entry, "tools"> {
  const search = usePrice(model, "web_searches_kcount", today);
  if (search === undefined) return {};
  if (name === "anthropic") return { tools: { web_search: search, web_fetch: 0 } };
  if (name !== "openai") return {};
  const stated = sources.models[model.id]?.search_context_cost_per_query ?? {};
  const previews = Object.values(stated).filter((each) => typeof each === "number");
  const preview = previews.length > 0 ? Math.max(search, ...previews) : PREVIEW_USD;
  const files = usePrice(model, "storage_searches_kcount", today);
  const code = numberIn("openai", "openai/container", "code_interpreter_cost_per_session");
  return {
    tools: {
      web_search: search,
      web_search_preview: preview,
      ...(files === undefined ? {} : { file_search: files }),
      ...(code > 0 ? { code_interpreter: code } : {}),
    },
  };
}

/** A number of LiteLLM's map; 0 where it has none. */
function numberIn(name: Name, model: string, key: string): number {
  const value = sources.models[PROVIDERS[name][1] + model]?.[key];
  return typeof value === "number" ? value : 0;
}

/** One model a line, in the order of names, so that a new snapshot reads as a diff. */
function render(header: Record<string, string>, entries: Array<[string, Entry]>): string {
  const top = Object.entries(header).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`,
  );
  const rows = entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, entry]) => `    ${JSON.stringify(name)}: ${JSON.stringify(entry).replace(/([:,])/g, "$1 ")}`,
    );
  return `{\n${top.join("\n")}\n  "models": {\n${rows.join(",\n")}\n  }\n}\n`;
}
