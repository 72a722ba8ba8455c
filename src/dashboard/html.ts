import { escapeHtml } from "../lib/text.ts";
import { withoutHidden } from "../lib/visible.ts";

/** Markup that may go into a page as it is. Only `html` makes it. */
export interface Html {
  readonly markup: string;
}

/** What a template takes: text and numbers, which it escapes, markup, lists of these, and nothing at all. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

const made = new WeakSet<object>();

/** A template that escapes every value, for text between tags and for quoted attributes alike. */
export function html(texts: TemplateStringsArray, ...values: Part[]): Html {
  let markup = texts[0] ?? "";
  for (const [index, value] of values.entries()) markup += markupOf(value) + (texts[index + 1] ?? "");
  const result = { markup };
  made.add(result);
  return result;
}

/** No page has a use for control characters. */
const CONTROL = /[^\P{Cc}\n\t]/gu;

function markupOf(value: Part): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "string" || typeof value === "number")
    return escapeHtml(withoutHidden(String(value).replace(CONTROL, "")));
  if (Array.isArray(value)) return value.map(markupOf).join("");
  // An object that came out of JSON is not markup, whatever its keys.
  if (!made.has(value)) throw new TypeError("a page was given an object that is no markup");
  return (value as Html).markup;
}
