import { oneLine } from "../../../lib/text.ts";
import type { Item } from "../../items/item.ts";
import type { JobContext } from "../../job.ts";
import { decodeText } from "../../sources/decode.ts";
import { isSourceFailure } from "../../sources/source.ts";
import type { Note } from "../document/document.ts";
import { isTeaser } from "./teaser.ts";

const ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1";
const HTML = /^(?:text\/html|application\/xhtml\+xml)?$/;
const ERROR_CHARS_MAX = 300;

type Context = Pick<JobContext, "step" | "egress" | "redact" | "signal" | "progress">;

/** An article as its step recorded it; what went wrong, where there is none. */
interface Read {
  text: string | null;
  error: string | null;
}

/**
 * The items, those of which the source has only the beginning with the text of the article at their address. What could not
 * be read keeps its text, and each host that gave none is noted once. Each page is read in a step of its own.
 */
export async function readArticles(
  context: Context,
  items: readonly Item[],
  isWanted: (index: number) => boolean,
): Promise<{ items: Item[]; notes: Note[] }> {
  const found: Item[] = [];
  const failures = new Map<string, string[]>();
  for (const [index, item] of items.entries()) {
    const { link } = item;
    if (link === null || !isWanted(index) || !isTeaser(item.text)) {
      found.push(item);
      continue;
    }
    context.progress(found.length, items.length, `reading ${item.title}`);
    const { text, error } = await context.step(`article:${item.key}`, () => read(context, link));
    found.push(text !== null && text.length > item.text.length ? { ...item, text } : item);
    const { host } = new URL(link);
    if (error !== null) failures.set(host, [...(failures.get(host) ?? []), error]);
  }
  const notes = [...failures].map(([host, errors]) => {
    const more = errors.length === 1 ? "" : ` (and ${errors.length - 1} more of it)`;
    return { source: host, error: `the feed's own text stands for the article: ${errors[0]}${more}` };
  });
  return { items: found, notes };
}

/** @throws a halt, an abort or a bug, which stop the job. */
async function read(context: Context, link: string): Promise<Read> {
  try {
    const page = await context.egress.fetch(link, { accept: ACCEPT, signal: context.signal });
    if (page.status < 200 || page.status > 299)
      return { text: null, error: `${link} answered ${page.status}` };
    if (!HTML.test(page.contentType))
      return { text: null, error: `${link} is ${page.contentType}, and no page` };
    // Loaded when there is a page to read: most digests have none.
    const { articleText } = await import("../../pages/article.ts");
    const text = articleText(decodeText(page.body, page.charset));
    return {
      text,
      error: text === null ? `${link} holds no article that could be told from the rest` : null,
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isSourceFailure(error)) throw error;
    return { text: null, error: oneLine(context.redact(error.message), ERROR_CHARS_MAX) };
  }
}
