import { readFileSync, writeFileSync } from "node:fs";
import {
  type ConditionalPrice,
  calcPrice,
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
  TieredPrices,
} from "@pydantic/genai-prices";

/**
 * Writes src/providers/prices.json from the installed @pydantic/genai-prices: `node scripts/prices.ts`.
 * For development; what runs reads the file alone, so that a price changes by a commit and not by itself.
 */

interface Entry {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
  cacheWrite1h?: number;
  dated?: true;
}

/**
 * Ids of the package by the names that afk has for the servers (src/providers). Not Azure: what a model is called there is its
 * owner's choice.
 */
const PROVIDERS = {
  anthropic: "anthropic",
  openai: "openai",
  openrouter: "openrouter",
  xai: "x-ai",
  deepseek: "deepseek",
  mistral: "mistral",
  groq: "groq",
  together: "together",
  google: "google",
};
type Name = keyof typeof PROVIDERS;

/** Models that bill more than text tokens (audio, images, searches), so that token prices bound nothing. */
const BILLS_MORE = /audio|image|tts|search|research|computer/;
/** Models whose price depends on who serves or trained them, and models that take no conversation. */
const NOT_SOLD_AS_CHAT: Partial<Record<Name, RegExp>> = {
  openai: /gpt-oss|^ft:|\.ft-|instruct|^(text-)?(ada|babbage|curie|davinci)/,
  google: /gemma|embedding|live/,
  mistral: /embed|ocr|moderation/,
};
/** Where a model that also hears has a price for that; a conversation in text has no such tokens. */
const HEARS = new Set<Name>(["google", "openrouter"]);

const date = new Date().toISOString().slice(0, 10);

const models = (Object.keys(PROVIDERS) as Name[]).flatMap((name) =>
  modelsOf(PROVIDERS[name]).flatMap((model) => entriesOf(name, model)),
);
// Read as a file, since the package does not export it.
const manifest = new URL("../node_modules/@pydantic/genai-prices/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
const head = {
  date,
  source: `@pydantic/genai-prices ${version}, https://github.com/pydantic/genai-prices`,
  license: "MIT, Copyright (c) Pydantic Services Inc. 2025 to present",
  unit: "USD per million tokens; of several tiers the dearest; dated: also with a date at the end of the name",
};
const file = new URL("../src/providers/prices.json", import.meta.url);
writeFileSync(file, render(head, models));
process.stdout.write(`${models.length} models as of ${date}\n`);

function modelsOf(provider: string): ModelInfo[] {
  const found = findProvider({ providerId: provider });
  if (found === undefined) throw new Error(`the package has no provider ${provider}`);
  return found.models;
}

function entriesOf(name: Name, model: ModelInfo): Array<[string, Entry]> {
  const provider = PROVIDERS[name];
  const isSkipped = BILLS_MORE.test(model.id) || NOT_SOLD_AS_CHAT[name]?.test(model.id) === true;
  const entry = isSkipped ? undefined : priceOf(model, HEARS.has(name));
  if (entry === undefined) return [];
  const names = [...new Set([model.id, ...exactNames(model.match)])].filter(
    (each) => isName(provider, model, each) && !BILLS_MORE.test(each),
  );
  return names.map((each) => [
    `${name}/${each}`,
    acceptsDates(provider, model, each) ? { ...entry, dated: true } : entry,
  ]);
}

/** Only the names that a rule spells out. What it merely matches (a prefix, a part) may be another model tomorrow. */
function exactNames(match: MatchLogic): string[] {
  if ("equals" in match) return [match.equals];
  return "or" in match ? match.or.flatMap(exactNames) : [];
}

/** True when the package itself takes the name for this model. */
function isName(provider: string, model: ModelInfo, name: string): boolean {
  return calcPrice({ input_tokens: 1 }, name, { providerId: provider })?.model.id === model.id;
}

function acceptsDates(provider: string, model: ModelInfo, name: string): boolean {
  return isName(provider, model, `${name}-${provider === "anthropic" ? "20991231" : "2099-12-31"}`);
}

/** Undefined where the model does not turn text into text for a stated price. */
function priceOf(model: ModelInfo, mayHear: boolean): Entry | undefined {
  const prices = currentPrices(model.prices);
  const billsMore = mayHear ? /output_audio|image/ : /audio|image/;
  if (prices.some((price) => Object.keys(price).some((key) => billsMore.test(key)))) return undefined;
  const input = dearest(prices, "input_mtok");
  const output = dearest(prices, "output_mtok");
  if (!input || !output) return undefined;
  const cacheRead = dearest(prices, "cache_read_mtok");
  // afk asks for neither cache; a server in between may.
  const cacheWrite = dearest(prices, "cache_write_mtok");
  const cacheWrite1h = dearest(prices, "cache_write_1h_mtok");
  return {
    input,
    output,
    ...(cacheRead ? { cacheRead } : {}),
    ...(cacheWrite ? { cacheWrite } : {}),
    ...(cacheWrite1h ? { cacheWrite1h } : {}),
  };
}

/** Of prices by date, the one in force today and all to come; of prices by the hour, all. */
function currentPrices(prices: ModelInfo["prices"]): ModelPrice[] {
  if (!Array.isArray(prices)) return [prices];
  const inForce = prices.findLastIndex(isInForce);
  return prices.slice(Math.max(inForce, 0)).map((conditional) => conditional.prices);
}

function isInForce({ constraint }: ConditionalPrice): boolean {
  if (constraint === undefined) return true;
  return constraint.type === "start_date" && constraint.start_date <= date;
}

function dearest(prices: ModelPrice[], key: string): number | undefined {
  const values = prices.flatMap((price) => {
    const value = price[key];
    if (value === undefined) return [];
    return value instanceof TieredPrices || typeof value === "object"
      ? [value.base, ...value.tiers.map((tier) => tier.price)]
      : [value];
  });
  return values.length === 0 ? undefined : Math.max(...values);
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
