import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { ReplyHeaders } from "../http/once.ts";
import { REDACTED } from "../lib/redact.ts";

/** Belong to one connection and not to the message (RFC 9110, section 7.6.1), or are written anew on each side. */
const OF_THE_CONNECTION = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "http2-settings",
];

/** What of a request stays here: the client's key, cookies, and what afk decides itself. */
const NOT_SENT_ON = new Set([
  ...OF_THE_CONNECTION,
  "host",
  "expect",
  "authorization",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "cookie",
  "accept-encoding",
  "content-encoding",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  // The address that the client asked may have its key in it.
  "referer",
  "openai-organization",
  "openai-project",
]);

/** What of a reply stays here; `anthropic-ratelimit-unified-` too, which tells of the provider's own account. */
const NOT_HANDED_ON = new Set([
  ...OF_THE_CONNECTION,
  "set-cookie",
  "alt-svc",
  "strict-transport-security",
  "location",
]);
const OWN_PREFIX = "x-afk-";
/**
 * By these, servers that pass requests on can be told to pass them, and the key with them, to another place or model; and
 * servers of clouds to take a dearer tier, or another account, than the body says, which alone was judged.
 */
const ROUTING_PREFIXES = [
  "x-portkey-",
  "helicone-",
  "x-litellm-",
  "cf-aig-",
  "azureml-model-",
  "x-http-method",
  "x-method-",
  "x-original-",
  "x-rewrite-",
  "x-vertex-",
  "x-goog-",
  "x-amzn-",
  // LiteLLM hands on whatever stands behind it.
  "x-pass-",
];
const UNIFIED_PREFIX = "anthropic-ratelimit-unified-";

/** The headers of a client's request that its provider gets. Names in lower case. */
export function sentOn(headers: IncomingHttpHeaders): Record<string, string> {
  const named = connectionNames(headers.connection);
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (NOT_SENT_ON.has(name) || named.has(name) || value === undefined) continue;
    if ([OWN_PREFIX, ...ROUTING_PREFIXES].some((prefix) => name.startsWith(prefix))) continue;
    kept[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  // Figures are read from the bytes as they come.
  kept["accept-encoding"] = "identity";
  return kept;
}

/** The headers of a provider's reply that the client gets; none that says afk's own key back. */
export function handedOn(headers: ReplyHeaders, apiKey: string | null): OutgoingHttpHeaders {
  const named = connectionNames(headers.connection);
  const kept: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (NOT_HANDED_ON.has(name) || named.has(name) || value === undefined) continue;
    if (name.startsWith(OWN_PREFIX) || name.startsWith(UNIFIED_PREFIX)) continue;
    if (apiKey !== null && apiKey !== "" && value.includes(apiKey)) continue;
    kept[name] = value;
  }
  return kept;
}

/** Part of a reply's body, without afk's own key where a server says it back. */
export function withoutApiKey(part: Buffer, apiKey: string | null): Buffer {
  if (apiKey === null || apiKey === "" || !part.includes(apiKey)) return part;
  return Buffer.from(part.toString("utf8").replaceAll(apiKey, REDACTED));
}

function connectionNames(connection: string | undefined): Set<string> {
  return new Set((connection ?? "").toLowerCase().split(/\s*,\s*/));
}
