import type { RequestHead } from "./protocols/protocol.ts";

/** The key stands before the path where a client can send no header: `/k/KEY/v1/messages`. */
const PREFIX = /^\/k\/([^/]+)(\/.*)?$/;

/** The part of a request that is judged before its body is read, and the keys that it carries. */
export interface Asked {
  head: RequestHead;
  /** `?beta=true`, or empty. */
  query: string;
  /** What may be afk's key, the surest first. */
  keys: string[];
}

/** The headers in which a credential comes: afk's key, or the client's own beside it. */
export const CREDENTIAL_HEADERS = ["authorization", "x-api-key", "api-key"] as const;

/** The same request without afk's key, in whatever header it stands: what credentials it still carries are the client's own. */
export function withoutKey(asked: Asked, key: string): Asked {
  const entries = Object.entries(asked.head.headers).filter(([, value]) => !value?.includes(key));
  return { ...asked, head: { ...asked.head, headers: Object.fromEntries(entries) } };
}

/** Takes a request's address apart; the path is compared as it came, so that no two spellings mean the same route. */
export function readAsked(request: {
  method?: string | undefined;
  url?: string | undefined;
  headers: RequestHead["headers"];
}): Asked {
  const { method = "", url = "", headers } = request;
  const mark = url.indexOf("?");
  const whole = mark === -1 ? url : url.slice(0, mark);
  const query = mark === -1 ? "" : url.slice(mark);
  const [, inPath, rest] = PREFIX.exec(whole) ?? [];
  const head = { method, path: inPath === undefined ? whole : (rest ?? "/"), headers };
  if (inPath !== undefined) return { head, query, keys: [inPath] };
  const keys = CREDENTIAL_HEADERS.map((name) => credentialIn(headers[name])).filter((key) => key !== "");
  return { head, query, keys };
}

/** Empty for none. */
function credentialIn(header: string | undefined): string {
  return header?.replace(/^Bearer +/i, "").trim() ?? "";
}
