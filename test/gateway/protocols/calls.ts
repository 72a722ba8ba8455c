import type {
  AskedModel,
  CallBody,
  CallRules,
  ListedModel,
  RequestHead,
} from "../../../src/gateway/protocols/protocol.ts";
import type { Price } from "../../../src/providers/types.ts";

/** Claude Sonnet 4.6 at Anthropic itself. */
export const SONNET: Price = {
  input: 3,
  output: 15,
  cacheRead: 0.3,
  cacheWrite: 3.75,
  cacheWrite1h: 6,
  regionalFactor: 1.1,
  contextWindow: 1_000_000,
  tools: { web_search: 0.01, web_fetch: 0 },
  tiers: { fast: 6 },
};

export const HAIKU: Price = {
  ...SONNET,
  input: 1,
  output: 5,
  cacheRead: 0.1,
  cacheWrite: 1.25,
  cacheWrite1h: 2,
  contextWindow: 200_000,
};

const FREE: Price = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

export function asked(changes: Partial<AskedModel> = {}): AskedModel {
  return {
    reference: "anthropic/claude-sonnet-4-6",
    model: "claude-sonnet-4-6",
    providerType: "anthropic",
    isOriginal: true,
    price: SONNET,
    isFree: false,
    priceOf: (model) => (model === "claude-haiku-4-5" ? HAIKU : null),
    ...changes,
  };
}

/** A model on a machine of the owner's. */
export function local(changes: Partial<AskedModel> = {}): AskedModel {
  const name = { reference: "ollama/qwen3:8b", model: "qwen3:8b" };
  return asked({ ...name, isOriginal: false, price: FREE, isFree: true, priceOf: () => null, ...changes });
}

export function rules(...allow: string[]): CallRules {
  return { maxOutputTokens: 32_000, allow: new Set(allow) };
}

export function body(said: Record<string, unknown>, headers: RequestHead["headers"] = {}): CallBody {
  return { headers, text: JSON.stringify(said), said };
}

export function head(path: string, headers: RequestHead["headers"] = {}, method = "POST"): RequestHead {
  return { method, path, headers };
}

/** What a client may use of models that speak Anthropic's protocol. */
export const LISTED: ListedModel[] = [
  { name: "small", reference: "anthropic/claude-haiku-4-5" },
  { name: "qwen3:8b", reference: "ollama/qwen3:8b" },
];

/** A picture of that size in base64, as far as it states its size. */
export function png(width: number, height: number): string {
  const bytes = Buffer.alloc(64);
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]).copy(bytes);
  bytes.write("IHDR", 12);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes.toString("base64");
}
