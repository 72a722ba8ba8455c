import { parse as parseToml } from "smol-toml";
import { parseDocument } from "yaml";
import { isRecord, parseJson } from "../../../providers/reply-json.ts";

/** What stands before the text of a note, by its keys in lower case, and the text behind it. */
interface FrontMatter {
  fields: Map<string, unknown>;
  body: string;
}

/** Of what may be front matter: more is none. */
const CHARS_MAX = 64 * 1024;

const FORMATS: Record<string, (text: string) => unknown> = {
  "---": readYaml,
  "---yaml": readYaml,
  "---json": parseJson,
  "---toml": readToml,
  "+++": readToml,
  ";;;": (text) => parseJson(text) ?? parseJson(`{${text}}`),
};

/** Org's keywords, also behind a property drawer; Pandoc's title block; `key:: value` of Logseq. */
const ORG = /^(?:[ \t]*:PROPERTIES:[ \t]*\r?\n(?:[ \t]*:[^\n]*\n)+)?(?:#\+\w+:[^\n]*(?:\n|$))+/i;
const PANDOC = /^%[ \t]*([^\n]*(?:\n[ \t]+[^\n]+)*)(?:\n%([^\n]*))?(?:\n%([^\n]*))?(?:\n|$)/;
const LINES =
  /^title::?[ \t].*(?:\r?\n[A-Za-z][\w -]{0,40}::?[ \t].*)*(?:\r?\n(?:---[ \t]*)?(?=\r?\n)|(?=\r?\n- )|$)/i;
const FIRST_KEY = /^\s*(?:\{\s*)?["']?\w[\w -]{0,40}["']?[ \t]*[:=]/;

/**
 * Parts the front matter of a note from its text: YAML, TOML or JSON between marks, JSON by itself (Hugo), `Key: value` lines
 * that begin with a title (MultiMarkdown, Hexo, Logseq), the keywords of Org, or Pandoc's title block. What is between marks and cannot be read is left out, and says only its plain lines.
 */
export function readFrontMatter(note: string): FrontMatter {
  const text = note.replace(/^\s+/, "");
  const marked = /^(---|\+\+\+|;;;)(yaml|json|toml|js|coffee)?[ \t]*\r?\n/.exec(text);
  if (marked !== null) return betweenMarks(text, marked);
  const json = text.startsWith("{") ? jsonEnd(text) : -1;
  const fields = json === -1 ? undefined : parseJson(text.slice(0, json));
  if (isRecord(fields) && /^[ \t]*\r?\n|^$/.test(text.slice(json)))
    return { fields: lowerKeys(fields), body: text.slice(json) };
  const org = ORG.exec(text)?.[0];
  if (org !== undefined)
    return {
      fields: plainLines(org.replaceAll("#+", "").replace(/[<>]/g, "")),
      body: text.slice(org.length),
    };
  const [block, title = "", , date = ""] = PANDOC.exec(text) ?? [];
  if (block !== undefined)
    return { fields: new Map(Object.entries({ title, date: date.trim() })), body: text.slice(block.length) };
  const lines = LINES.exec(text)?.[0];
  if (lines === undefined) return { fields: new Map(), body: text };
  return { fields: plainLines(lines), body: text.slice(lines.length) };
}

function betweenMarks(text: string, [opening, mark = "", language = ""]: RegExpExecArray): FrontMatter {
  const inside = text.slice(opening.length, opening.length + CHARS_MAX);
  const end = (
    mark === "---" ? /^(?:---|\.\.\.)[ \t]*\r?$/m : mark === "+++" ? /^\+\+\+[ \t]*\r?$/m : /^;;;[ \t]*\r?$/m
  ).exec(inside);
  // A line at the top that begins nothing is a rule across the page.
  if (end === null) return readFrontMatter(text.slice(opening.length));
  const matter = inside.slice(0, end.index);
  const found = FORMATS[mark + language]?.(matter);
  // Nor does one that only has another rule somewhere below it.
  if (!isRecord(found) && matter.trim() !== "" && !FIRST_KEY.test(matter))
    return { fields: new Map(), body: text.slice(opening.length) };
  const body = text.slice(opening.length + end.index + end[0].length);
  if (isRecord(found) && !Array.isArray(found)) return { fields: lowerKeys(found), body };
  // An object of JavaScript is indented, and in YAML only what stands within something else is.
  return { fields: plainLines(language === "" ? matter : matter.replace(/^[ \t]+/gm, "")), body };
}

/** Undefined for what is no YAML, such as a title with a colon in it, which many programs let through. */
function readYaml(text: string): unknown {
  const document = parseDocument(text, { logLevel: "silent", prettyErrors: false, uniqueKeys: false });
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    // Aliases that are none, or that multiply.
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

function readToml(text: string): unknown {
  try {
    return parseToml(text, { maxDepth: 20 });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Where the object that the text begins with ends; -1 where it does not. */
function jsonEnd(text: string): number {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < Math.min(text.length, CHARS_MAX); at++) {
    const char = text[at];
    if (char === '"') isInString = !isInString;
    else if (isInString && char === "\\") at++;
    else if (!isInString && (char === "{" || char === "[")) depth++;
    else if (!isInString && (char === "}" || char === "]") && --depth === 0) return at + 1;
  }
  return -1;
}

function lowerKeys(fields: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(fields).map(([key, value]) => [key.toLowerCase(), value]));
}

function plainLines(text: string): Map<string, unknown> {
  const lines = text.matchAll(/^([A-Za-z][\w -]{0,40}?)[ \t]*(?:::?|=)[ \t]*(.*?)[ \t]*\r?$/gm);
  const unquoted = (value: string) => value.replace(/^(["'])(.*)\1,?$/, "$2");
  return new Map([...lines].map(([, key = "", value = ""]) => [key.toLowerCase(), unquoted(value)]));
}
