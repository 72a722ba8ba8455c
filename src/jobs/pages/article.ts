import { Readability } from "@mozilla/readability";
import { parseHTML } from "linkedom/worker";
import { ITEM_TEXT_CHARS_MAX } from "../items/item.ts";
import { htmlToText } from "../sources/html-text.ts";
import { boundedHtml } from "./bounded-html.ts";

/** Of a page; what lies behind it is read by nobody. */
const PAGE_CHARS_MAX = 1024 * 1024;
/** Shorter is a menu or a notice, and no article. */
const ARTICLE_CHARS_MIN = 250;

/** The text of the article on a page, without what stands around it; null where there is none, or none that can be found. */
export function articleText(html: string): string | null {
  const page = boundedHtml(html.slice(0, PAGE_CHARS_MAX));
  const { document } = parseHTML(`<!doctype html><html><head></head><body>${page}</body></html>`);
  const content = contentOf(document) ?? "";
  const text = htmlToText(content, ITEM_TEXT_CHARS_MAX);
  return text.length < ARTICLE_CHARS_MIN || isListOfLinks(content) ? null : text;
}

/** A front page or a menu, where nothing better was found. */
function isListOfLinks(content: string): boolean {
  const lengthOf = (html: string) => html.replace(/<[^>]{0,1000}>/g, "").trim().length;
  const links = content.match(/<a\b[^>]{0,1000}>[^<]*(?:<(?!\/?a\b)[^<]*)*<\/a>/g) ?? [];
  return 2 * lengthOf(links.join("")) > lengthOf(content);
}

function contentOf(document: ReturnType<typeof parseHTML>["document"]): string | null | undefined {
  try {
    return new Readability(document, { charThreshold: ARTICLE_CHARS_MIN }).parse()?.content;
  } catch (error) {
    // Its expressions run out of stack on some texts that are no prose; such a page has no article.
    if (error instanceof RangeError) return null;
    throw error;
  }
}
