import { topLevelValues } from "../lib/json-text.ts";
import { parseJson } from "../providers/reply-json.ts";
import type { CallBody, RequestHead } from "./protocols/protocol.ts";
import { Refused } from "./refusals.ts";

/** A body that has been judged to mean one thing to every reader. */
export interface ParsedBody extends CallBody {
  /** Where the values of the top-level keys stand. */
  values: ReturnType<typeof topLevelValues>;
}

/** @throws Refused for what is no JSON object, DuplicateKey. */
export function parseBody(text: string, headers: RequestHead["headers"]): ParsedBody {
  const said = parseJson(text);
  if (typeof said !== "object" || said === null || Array.isArray(said))
    throw new Refused({ type: "invalid", message: "afk: the body is no JSON object." });
  return { text, headers, said: said as Record<string, unknown>, values: topLevelValues(text) };
}

/** The body of a request that has none. */
export const EMPTY_BODY = (headers: RequestHead["headers"]): ParsedBody => ({
  text: "",
  headers,
  said: {},
  values: new Map(),
});

/** The model that a body asks for; Ollama's older clients call it `name`. It is shown to the owner, so nothing in it is invisible. */
export function modelIn({ said }: CallBody): string {
  const name = said.model ?? said.name;
  if (typeof name === "string" && /^[^\p{C}]{1,300}$/u.test(name)) return name;
  throw new Refused({ type: "invalid", message: "afk: the body names no model." });
}

/** Headers in which clients say which conversation a request belongs to. */
const SESSION_HEADERS = [
  "x-afk-session",
  "x-claude-code-session-id",
  "session-id",
  "session_id",
  "x-session-id",
  "x-session-affinity",
];

/** For reports alone: a client can write what it wants here. */
export function sessionOf(headers: RequestHead["headers"]): string | null {
  const found = SESSION_HEADERS.map((name) => headers[name]).find(
    (value) => value !== undefined && value !== "",
  );
  return found?.replace(/[^\w.:-]/g, "_").slice(0, 64) ?? null;
}
