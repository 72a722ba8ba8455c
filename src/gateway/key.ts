import type { RequestHead } from "./protocols/protocol.ts";

/** The key stands before the path where a client can send no header: `/k/KEY/v1/messages`. */
const PREFIX = /^\/k\/([^/]+)(\/.*)$/;

/** The part of a request that is judged before its body is read, and the keys that it carries. */
export interface Asked {
  head: RequestHead;
  /** `?beta=true`, or empty. */
  query: string;
  /** What may be afk's key, the surest first. */
  keys: string[];
  /** Whether the key stood in the path, so that the headers carry the client's own credential. */
  isKeyInPath: boolean;
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
  const head = { method, path: rest ?? whole, headers };
  if (inPath !== undefined) return { head, query, keys: [inPath], isKeyInPath: true };
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  const keys = [bearer, headers["x-api-key"], headers["api-key"]].filter(
    (key) => key !== undefined && key !== "",
  );
  return { head, query, keys: keys as string[], isKeyInPath: false };
}
