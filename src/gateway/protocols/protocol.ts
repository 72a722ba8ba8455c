import type { Figures, Price, TokenLimit } from "../../providers/types.ts";
import type { CapRefusal } from "../../rails/budget-notices.ts";

/** The protocols that clients speak to the gateway. */
export type ProtocolName = "openai" | "anthropic" | "ollama";

/** The part of a client's request that routes, labels and refusals are made from. Header names are in lower case. */
export interface RequestHead {
  method: string;
  /** Without the key's prefix and the query. */
  path: string;
  headers: Readonly<Record<string, string | undefined>>;
}

/** The body of a call: the JSON text as it came, and what it says. */
export interface CallBody {
  /** Of the request; some (`anthropic-beta`) change what a call can cost. Names in lower case. */
  headers: RequestHead["headers"];
  text: string;
  said: Readonly<Record<string, unknown>>;
}

/** The model that a call goes to, as far as its cost is concerned. */
export interface AskedModel {
  /** `anthropic/claude-sonnet-4-6` */
  reference: string;
  /** As its provider names it. */
  model: string;
  /** The type of its provider, of providers/registry.ts: openai, anthropic, ollama. */
  providerType: string;
  /** It is the protocol's own service (api.openai.com, api.anthropic.com), not a server that speaks like it. */
  isOriginal: boolean;
  /** The server's name in `ProviderType.serverOf`: `openrouter`; left out or null for one that is not known. */
  server?: string | null;
  /** The field that bounds a reply there, of `ProviderType.serverOf`; `max_tokens` where it is left out. */
  tokenLimit?: TokenLimit;
  price: Price;
  isFree: boolean;
  /** The price of another model of the same provider; null where it is not known. */
  priceOf(model: string): Price | null;
  /** Whether whoever asks may use another model of the same provider; all of them where it is left out. */
  mayUse?(model: string): boolean;
}

/** What the owner lets a client do. */
export interface CallRules {
  /** Sent where a client sends no limit of its own. */
  maxOutputTokens: number;
  /** What is refused unless it stands here: `web_search`, `mcp`… */
  allow: ReadonlySet<string>;
}

/** The most that a call can take, and what has to be written into its body so that this holds. */
export interface Bound {
  estimateMicros: number;
  /** Input and output of all passes. */
  estimateTokens: number;
  /** The limit of its output that is sent (times n). */
  outputTokensMax: number;
  /** The most output of any model that may answer, where one has a limit of its own. */
  replyTokensMax?: number;
  /** The part of `estimateMicros` that is for output and follows its limit, all passes together: 0 where a smaller limit saves nothing. */
  outputMicros: number;
  /** Top-level keys of the body that are set or replaced; everything else stays byte for byte. */
  pins: Record<string, unknown>;
  /** Figures are asked for although the client did not: their part of a stream is not handed on. */
  hidesUsage: boolean;
}

/** The bound of what runs no model. */
export const NO_COST: Bound = {
  estimateMicros: 0,
  estimateTokens: 0,
  outputTokensMax: 0,
  outputMicros: 0,
  pins: {},
  hidesUsage: false,
};

/**
 * Why a request gets no answer of a model. `message` is one whole sentence that says what, how much, until when and what to do;
 * `capped` is the cap that refused, for whoever runs the client.
 */
export type Refusal = { message: string; capped?: CapRefusal } & (
  | { type: "cap"; resetsAtMs: number | null }
  /** A smaller output would fit: `most` tokens where `asked` were asked for. */
  | { type: "cap_smaller"; resetsAtMs: number | null; asked: number; most: number; model: string }
  /** It fits once others have settled. */
  | { type: "busy"; retryAfterMs: number }
  | { type: "killed" }
  | { type: "breaker"; retryAfterMs: number }
  /** Its cost has no bound, or the owner does not allow it; `param` is the field. */
  | { type: "forbidden"; param: string }
  /** Unpriced, unknown, or not allowed for this client. */
  | { type: "model"; model: string }
  /** The books cannot be read or written: nothing is sent. */
  | { type: "unavailable" }
  | { type: "key" }
  | { type: "route" }
  /** Only over HTTP: the answer to a WebSocket upgrade. */
  | { type: "upgrade" }
  /** No JSON object, a key that stands twice, a bad encoding. */
  | { type: "invalid" }
  | { type: "too_large" }
  /** The provider broke off, or could not be reached. */
  | { type: "lost" }
);

/** A whole answer of the gateway's own. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** What a reply says of its cost. */
export interface Said {
  figures: Figures;
  /** The model that answered, as the reply names it; null where it does not. */
  model: string | null;
  /** The error that the provider sent under status 200, in its own words; null for none. */
  error: string | null;
  /** The machine that made the reply, where an Ollama says that it only passed the request on. */
  remoteHost?: string | null;
}

/** Reads the figures out of a stream, one whole event (SSE, without the empty line at its end) or line (NDJSON) at a time. */
export interface StreamReader {
  /** "hide": the client must not get this event. Called for every event, so it must be cheap for those without figures. */
  take(event: Buffer): "pass" | "hide";
  /** Whether the protocol's own end has been seen. Asked after each piece that came. */
  isComplete(): boolean;
  /** What the stream said once it has ended, in whatever way. */
  end(): Said & {
    /** The protocol's own end was seen; anything else has broken off. */
    isComplete: boolean;
  };
}

/** A route whose requests may cost something, or reach a provider at all. */
export interface CallRoute {
  type: "call";
  protocol: ProtocolName;
  method: "GET" | "POST";
  /** Exact. */
  path: string;
  /** The path behind the base address of a provider of this type. */
  upstreamPath(providerType: string): string;
  /** It never costs anything (counting tokens, facts of a model), and gets an estimate of 0. */
  isFree: boolean;
  /** Whether the body says that the answer is to be streamed. */
  isStreamed(said: CallBody["said"]): boolean;
  /** @throws Forbidden for what has no bound on a priced model, or is not allowed. */
  bound(body: CallBody, model: AskedModel, rules: CallRules): Bound;
  /** What a whole JSON reply says. */
  figures(said: unknown): Said;
  framing: "sse" | "ndjson";
  reader(bound: Pick<Bound, "hidesUsage">): StreamReader;
  /** What is written into a stream that has begun, before it is closed. Whole events, ready for the wire. */
  streamError(refusal: Refusal, head: RequestHead): string;
}

/** A route that the gateway answers by itself. */
export interface OwnRoute {
  type: "own";
  protocol: ProtocolName;
  method: "GET" | "HEAD" | "POST";
  /** Exact, but for a `*` at the end, which stands for one or more segments. */
  path: string;
  /** `models`: every model of this protocol that the client may use, by the names it may send. */
  answer(head: RequestHead, models: readonly ListedModel[]): Answer | Refusal;
}

/** A model that a client may use. */
export interface ListedModel {
  /** What a client sends for it: an alias, or its provider's own name for it. */
  name: string;
  reference: string;
}

export type Route = CallRoute | OwnRoute;

/** One protocol: what may be asked, what it can cost, where its figures are, and how a refusal is said. */
export interface Protocol {
  name: ProtocolName;
  routes: readonly Route[];
  /** How this protocol's clients are told, so that each of them stops. `path` may be no route at all. */
  refuse(refusal: Refusal, head: RequestHead): Answer;
}
