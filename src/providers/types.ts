import type * as v from "valibot";
import type { FreeErrors } from "./failures.ts";

/** A conversation to complete: text only, so that what a call can cost has a bound. */
export interface ModelRequest {
  messages: Message[];
  /** Bound on the reply, in tokens; the configuration's `max_output_tokens` unless smaller. */
  maxOutputTokens?: number;
  /** 0 unless stated: the same request should give the same reply. */
  temperature?: number;
}

/** One turn of a conversation. */
export interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

/** The provider's own figures, in tokens. `input` excludes the cached parts. */
export interface Usage {
  inputTokens: number;
  cacheReadTokens: number;
  /** Written to the cache for minutes; what is written for an hour has a price of its own. */
  cacheWriteTokens: number;
  cacheWrite1hTokens?: number;
  /** Reasoning tokens included, as they are billed. */
  outputTokens: number;
  /** The provider kept it in one region, which has a price of its own. */
  isRegional?: true;
  /** Written to the cache for half a day, where that is sold. */
  cacheWrite12hTokens?: number;
  /** The tier that served it (`priority`, `flex`, `fast`…) where its prices are not the listed ones. */
  tier?: string;
  /** Uses of tools that ran at the provider, by their name in `Price.tools`. */
  tools?: Record<string, number>;
  /** Passes that the counts above leave out, each at the step of its own input; `model` null is the model itself. */
  passes?: Pass[];
  /** The model that answered, where the reply names another than was asked. */
  answeredBy?: string;
  /** What the provider itself says that it bills, in micro-dollars, where its counts may leave a part out. */
  statedMicros?: number;
}

/** One run of a model within a call. */
export interface Pass {
  model: string | null;
  usage: Usage;
  /** It made a part of the reply, which the limit of the request bounds. */
  isReply?: true;
}

/** What `model.complete` gives its caller. `model` is the reference that answered. */
export interface Completion {
  text: string;
  usage: Usage;
  model: string;
  costMicros: number;
  /** True when the first model of the chain did not answer and another one did. */
  degraded: boolean;
  /** True when the reply was cut off at its bound, and `text` is what it has in whole sentences. */
  truncated?: boolean;
}

/** USD per million tokens. */
export interface Rates {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  /** What is written for an hour; `cacheWrite` where that is left out. */
  cacheWrite1h?: number;
  /** What is written for half a day; the dearer of the other two where that is left out. */
  cacheWrite12h?: number;
}

/** What a model costs: its rates, and what they become. */
export interface Price extends Rates {
  /** The rates of a request whose input has more tokens than `above`, all of its tokens; ascending. */
  steps?: readonly (Rates & { above: number })[];
  /** What all rates are multiplied by in another tier, by its name: `priority`, `flex`, `fast`. Tools cost the same in all. */
  tiers?: Readonly<Record<string, number>>;
  /** USD for one use of a tool that runs at the provider, by its name: `web_search`. */
  tools?: Readonly<Record<string, number>>;
  /** The most tokens that one pass of the model can take. */
  contextWindow?: number;
  /** What all rates are multiplied by, tools not, for a call that is kept in one region; 1 where that is left out. */
  regionalFactor?: number;
}

/** A price as people write it, in USD per million tokens; what is left out is worked out from the input price (prices.ts). */
export interface StatedPrice {
  input: number;
  output: number;
  cacheRead?: number | undefined;
  cacheWrite?: number | undefined;
  /** What is kept for an hour or longer. */
  cacheWrite1h?: number | undefined;
  /** The most tokens that one pass of the model can take; no price, but stated beside it. */
  contextWindow?: number | undefined;
}

/** What the provider says a call took, or why its cost cannot be known. */
export type Figures = Usage | UnknownCost;

/** Why a cost cannot be known, in words; `hasOtherPrices`: not at the listed prices, so that the next call may cost more. */
export interface UnknownCost {
  unknown: string;
  hasOtherPrices?: true;
}

/** What a provider makes of one call. */
export interface ProviderReply {
  text: string;
  usage: Figures;
  truncated?: boolean;
}

/** A provider as the configuration has it, by the name with which models are referred to. Plain data. */
export interface ProviderConfig<Settings = unknown> {
  /** The type that speaks to it, of registry.ts. */
  type: string;
  /** Without a slash at its end. */
  baseUrl: string;
  apiKey: string | null;
  /** The credential of the gateway's caller is handed on instead of a key of afk's, which there is none of. */
  auth?: "client";
  /** What the type's own keys say, as they stand in afk.yaml. */
  settings: Settings;
}

/** What a price depends on. */
export interface Pricing {
  /** By model reference; wins over the snapshot. */
  prices: Record<string, StatedPrice>;
  providers: Record<string, ProviderConfig>;
}

/** A name that is known without a type: only a key is needed, where not even an address is. */
export interface KnownProvider {
  /** Null where each owner has an address of their own. */
  baseUrl: string | null;
  /** The environment variable that usually holds its key; null where there is none. */
  keyVariable: string | null;
}

/** Which field of a request bounds the reply, or both at once. */
export type TokenLimit = "max_tokens" | "max_completion_tokens" | "both";

/** What goes by the server that a call reaches. */
export interface KnownServerFacts {
  /** Its name in `ProviderType.known`; null for one that is not known. */
  server: string | null;
  /** It is certain to be the service of the protocol's own maker: by its address, not by its name. */
  isOriginal: boolean;
  tokenLimit: TokenLimit;
}

/** What a provider is made of. What is optional is about the one model that it is asked for. */
export interface ProviderOptions extends Omit<ProviderConfig, "type"> {
  /** Its name in afk.yaml, for messages. */
  name: string;
  /** The price is 0. */
  isFree?: boolean;
  /** What the estimate of a call is made from. */
  price?: Price;
  /** It is taken for free because it seems to run on a machine of the owner's, and nobody has stated a price. */
  isAssumedLocal?: boolean;
}

/** The bounds of one call. */
export interface CallOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** The kill switch, asked when the connection stands; nothing is sent when it rejects. */
  lastLook: () => Promise<void>;
}

/**
 * A thin client of one model behind one provider. It makes exactly one request for a completion per `send`:
 * no retry, no redirect. It is given the very body whose bytes the estimate was made from.
 */
export interface Provider {
  /** The serialised request body that `send` puts on the wire. */
  body(model: string, request: Required<ModelRequest>): string;
  /** Throws `CallFailed` (rails/call.ts), which says what the failed call may have cost. */
  send(model: string, body: string, options: CallOptions): Promise<ProviderReply>;
}

/** How prices are completed that nobody states, and what needs none. */
export interface PriceRules {
  /** What is written to the cache costs so many times the input price where the list does not say; 1 unless stated. */
  listedWriteFactor?: number;
  /** The same where the owner states the price. */
  statedWriteFactor: number;
  /** The same for what is written for an hour, where that is sold. */
  write1hFactor?: number;
  /** What a call that is kept in one region costs more, where that is sold. */
  regionalFactor?: number;
  /** What all listed rates are multiplied by at an address of one region. */
  addressFactor?(url: URL): number;
  /** "free" for a model that costs nothing there; what stands against that, in words, for one that might; null for all others. */
  freeOfCharge?(model: string, config: ProviderConfig): "free" | { unless: string } | null;
  /** The name in the price snapshot of the server at this address; null where it has none. */
  listedAs(name: string, config: ProviderConfig): string | null;
}

/** What a look at a model found, without a call that could cost. */
export type Probe = { problem: null; found: string } | { problem: string; mend: string };

/** What sending on a request of somebody else's takes (gateway/). */
export interface RelayRules {
  /** The headers that carry afk's own key. */
  credentials(apiKey: string | null): Record<string, string>;
  /** Errors of the server at an address that are known to cost nothing; null where nothing is known. */
  freeErrorsAt(url: URL): FreeErrors | null;
  /** Whether the address is the protocol's own service, and not a server that speaks like it. */
  isOriginal(url: URL): boolean;
  /**
   * A look before a model that is taken for free is asked.
   * @throws CallFailed for one that runs elsewhere and may be billed.
   */
  check?(options: ProviderOptions): (model: string, call: CallOptions) => Promise<void>;
}

/** A type of provider: all that is known of those who speak one protocol. */
export interface ProviderType {
  isOffline: false;
  type: string;
  known: Record<string, KnownProvider>;
  /** The keys of its own under models.providers.NAME, besides type, base_url and api_key. */
  settings: v.ObjectEntries;
  /** Calls to one provider wait for each other: it has no queue of its own, and more at a time would only be slower. */
  isSerial: boolean;
  prices: PriceRules;
  create(options: ProviderOptions): Provider;
  /** What goes by the server that the calls reach, where the type knows several. */
  serverOf?(provider: Pick<ProviderOptions, "name" | "baseUrl" | "settings">): KnownServerFacts;
  relay: RelayRules;
  /** Whether the model could be asked, as far as that can be seen for nothing. */
  probe?(model: string, options: ProviderOptions): Promise<Probe>;
}

/** What answers without asking anybody: it has no address, no models and no price, and is referred to by its type alone. */
export interface OfflineProvider {
  isOffline: true;
  type: string;
  answer(request: ModelRequest): string;
}
