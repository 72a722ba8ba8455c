import { parseHTML } from "linkedom/worker";
import { cleanText, oneLine } from "../../../lib/text.ts";
import { articleText } from "../../pages/article.ts";
import { selectableHtml } from "../../pages/bounded-html.ts";
import { htmlToText } from "../html-text.ts";
import { SourceUnreadable } from "../source.ts";

/** Of a page; what lies behind it is not looked at. */
const PAGE_CHARS_MAX = 2 * 1024 * 1024;
/** Of the part that is compared. */
const PART_CHARS_MAX = 60_000;
const HTML_CHARS_MAX = 400_000;
/** A longer page is one, whatever words are on it. */
const NOTICE_CHARS_MAX = 3_000;

/** Titles of pages that stand in the place of the one that was asked for. */
const NOTICE_TITLE =
  /^(?:just a moment|attention required|access (?:denied|to this page has been denied)|pardon our interruption|are you a (?:robot|human)|robot check|security check|verify(?:ing)? (?:that )?you are|before you continue|bevor (?:sie|du)|human verification|captcha|(?:error )?(?:40[1349]|429|50[0234])\b|page not found|not found|(?:the )?(?:site|service|page) (?:is )?(?:temporarily )?(?:unavailable|down)|service unavailable|bad gateway|gateway time-?out|internal server error|(?:site |under )?maintenance|sign in|log ?in|anmelden)/i;
const NOTICE_TEXT =
  /captcha|are you a robot|not a robot|you are (?:a )?human|unusual traffic|checking your browser|enable javascript and cookies|cf-challenge|request blocked|access denied|accept all cookies|cookies? (?:akzeptieren|zustimmen)|alle akzeptieren|consent to/i;

/** The part of a page that is compared, one line a block. `isCut` where the page is longer than what is compared. */
export interface Part {
  title: string;
  text: string;
  isCut: boolean;
}

/**
 * The part that `select` names, or the article, or all text.
 * @throws SourceUnreadable where the selector is none or finds nothing, the page says nothing, or is a notice in its place.
 */
export function partOf(html: string, select: string | undefined): Part {
  const { html: page, isCut } = selectableHtml(html.slice(0, PAGE_CHARS_MAX));
  const { document } = parseHTML(`<!doctype html><html><head></head><body>${page}</body></html>`);
  const title = oneLine(document.querySelector("title")?.textContent ?? "", 200);
  const found = select === undefined ? null : selected(document, select);
  const whole = () => htmlToText(page, PART_CHARS_MAX, HTML_CHARS_MAX);
  if (found === null || found === "") refuseNotice(title, whole());
  if (select !== undefined && found === null)
    throw new SourceUnreadable(
      `select finds nothing on the page any more (${select}): the page was built anew, or the selector is mistaken; mend select in afk.yaml`,
    );
  const text = found ?? articleText(html) ?? whole();
  if (text === "")
    throw new SourceUnreadable(
      "there is no text on the page, or in the part of it; a page that scripts build cannot be read",
    );
  return { title, text, isCut: isCut || text.length >= PART_CHARS_MAX - 1 || html.length > PAGE_CHARS_MAX };
}

/** Text and other forms of content that are no HTML, line by line. */
export function plainPart(text: string): Part {
  const cut = cleanText(text, PART_CHARS_MAX);
  if (cut === "") throw new SourceUnreadable("there is no text in it");
  return { title: "", text: cut, isCut: text.length > PART_CHARS_MAX };
}

function refuseNotice(title: string, text: string): void {
  const isNotice =
    NOTICE_TITLE.test(title) || (text.length < NOTICE_CHARS_MAX && NOTICE_TEXT.test(`${title}\n${text}`));
  if (!isNotice) return;
  const shown = title === "" ? oneLine(text, 80) : title;
  throw new SourceUnreadable(
    `the server sent a notice in place of the page (${JSON.stringify(shown)}): an error, a question about cookies, or a test for people`,
  );
}

type Document = ReturnType<typeof parseHTML>["document"];

/** The text of all elements that match, each once; null where none does. */
function selected(document: Document, select: string): string | null {
  const elements = elementsOf(document, select);
  const taken = new Set<unknown>();
  const parts: string[] = [];
  let chars = 0;
  for (const element of elements) {
    if (chars > HTML_CHARS_MAX) break;
    taken.add(element);
    if (hasTakenParent(element, taken)) continue;
    const text = htmlToText(element.outerHTML, PART_CHARS_MAX, HTML_CHARS_MAX);
    const said =
      text === "" ? (element.getAttribute("content") ?? element.getAttribute("value") ?? "") : text;
    parts.push(said);
    chars += said.length + 1;
  }
  return elements.length === 0 ? null : cleanText(parts.join("\n"), PART_CHARS_MAX);
}

/** Whether a text can be used as a CSS selector. */
export function isSelector(select: string): boolean {
  try {
    parseHTML("<p></p>").document.querySelectorAll(select);
    return true;
  } catch {
    return false;
  }
}

function elementsOf(document: Document, select: string) {
  try {
    return [...document.querySelectorAll(select)];
  } catch (error) {
    throw new SourceUnreadable(`select is no CSS selector (${select}); mend it in afk.yaml`, {
      cause: error,
    });
  }
}

function hasTakenParent(element: { parentNode: unknown }, taken: ReadonlySet<unknown>): boolean {
  for (let at: unknown = element.parentNode; at !== null && at !== undefined; at = Object(at).parentNode)
    if (taken.has(at)) return true;
  return false;
}
