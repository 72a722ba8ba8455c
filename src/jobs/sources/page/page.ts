import { resolve } from "node:path";
import { oneLine, plural } from "../../../lib/text.ts";
import { shortHash } from "../../items/identity.ts";
import { type RawItem, toItem } from "../../items/item.ts";
import { decodeText } from "../decode.ts";
import { isRemote } from "../feed/settings.ts";
import { withOffered } from "../offered.ts";
import { readFileBounded } from "../read-file.ts";
import { type Collected, SourceUnreadable } from "../source.ts";
import type { SourceContext } from "../source-kind.ts";
import { firstNumber, type Known, watchNumber } from "./amount.ts";
import { changesBetween } from "./changes.ts";
import { type Part, partOf, plainPart } from "./part.ts";
import { type PageSource, pageId, pageLabel } from "./settings.ts";

const PAGE_BYTES_MAX = 4 * 1024 * 1024;
const ACCEPT = "text/html, application/xhtml+xml;q=0.9, text/plain;q=0.8, */*;q=0.1";
const HTML = /^(?:text\/html|application\/xhtml\+xml)?$/;
const PLAIN = /^(?:text\/.+|application\/(?:[\w.+-]+\+)?(?:json|xml|yaml))$/;
/** Where a page sends who has to log in or agree first. */
const DETOUR = /\/(?:log-?in|sign-?in|consent|captcha|challenge|cookie-?wall)(?:[/?.]|$)/i;
/** An item comes again, where a job had no room for it, as long as there are not more than these. */
const OFFERED_MAX = 20;

type Context = Pick<SourceContext, "base" | "egress" | "signal" | "period" | "isSeen" | "recall" | "keep">;

/** What is kept from run to run: the part's text, and what is known of its number. */
interface Kept {
  text: string;
  number: Known | null;
}

/**
 * What changed on a page since the last run, as one item: the lines that went and came, or its number where that crosses a limit.
 * The first run remembers the page alone. A page that cannot be read, or is another in its place, changes nothing of what is known.
 * @throws SourceUnreadable; and what `egress.fetch` throws.
 */
export async function collectPage(source: PageSource, context: Context): Promise<Collected> {
  const { part, link } = await readPart(source, context);
  const id = shortHash(pageId(source));
  const before = readKept(await context.recall(`page:${id}`));
  const { news, known } =
    source.number === undefined ? textNews(part, before, source) : numberNews(part, before, source);
  context.keep(`page:${id}`, JSON.stringify(known));
  const label = pageLabel(source);
  const { slotMs } = context.period;
  const raw: RawItem[] =
    news === null
      ? []
      : [{ ...news, id: `page:${id}:${slotMs}`, link: linkOf(link, source), publishedAt: slotMs }];
  const fresh = raw.map((each) => toItem(each, label)).filter((item) => item !== null);
  const notes = [
    ...(before === null ? ["this is the first look at the page: from now on its changes are told of"] : []),
    ...(part.isCut ? ["the page is longer than what is compared of it; select can name a part"] : []),
  ];
  return {
    items: await withOffered(fresh, { id, itemsMax: source.max_items ?? OFFERED_MAX }, context),
    notes,
    ...(part.title !== "" && source.number === undefined && { title: part.title }),
  };
}

/** Sources are told apart by their links too, and two parts of one page are two things. */
function linkOf(link: string | undefined, { select }: PageSource): string | undefined {
  if (link === undefined || select === undefined || link.includes("#")) return link;
  return `${link}#${encodeURIComponent(select)}`;
}

async function readPart(
  source: PageSource,
  { egress, signal, base }: Context,
): Promise<{ part: Part; link?: string }> {
  const { page: address, select, max_bytes: bytesMax = PAGE_BYTES_MAX } = source;
  if (!isRemote(address)) {
    const path = resolve(base, address);
    const { bytes } = await readFileBounded(path, { bytesMax, followLinks: true });
    return { part: toPart(decodeText(bytes), /\.x?html?$/i.test(path) ? "text/html" : "text/plain", select) };
  }
  const page = await egress.fetch(address, { signal, accept: ACCEPT, bytesMax });
  if (!page.fromCache && (page.status < 200 || page.status > 299))
    throw new SourceUnreadable(`${address} answered ${page.status}`);
  const { pathname, search } = new URL(page.url);
  if (page.url !== address && DETOUR.test(pathname + search) && !DETOUR.test(address))
    throw new SourceUnreadable(`${address} leads to ${page.url}, which asks for a login or consent`);
  return { part: toPart(decodeText(page.body, page.charset), page.contentType, select), link: address };
}

function toPart(text: string, type: string, select: string | undefined): Part {
  if (HTML.test(type)) return partOf(text, select);
  if (!PLAIN.test(type)) throw new SourceUnreadable(`it is ${type}, which is no page and no text`);
  if (select !== undefined)
    throw new SourceUnreadable(`it is ${type}, in which select finds nothing; leave select out`);
  return plainPart(text);
}

interface News {
  news: Pick<RawItem, "title" | "text"> | null;
  known: Kept;
}

function textNews(part: Part, before: Kept | null, source: PageSource): News {
  const known = { text: part.text, number: null };
  const changes = before === null ? null : changesBetween(before.text, part.text, source.ignore ?? []);
  if (changes === null) return { news: null, known };
  const { added, removed, lines } = changes;
  const count = [
    ...(added > 0 ? [plural(added, "new line")] : []),
    ...(removed > 0 ? [`${plural(removed, "line")} gone`] : []),
  ].join(", ");
  const name = source.name ?? (part.title || pageLabel(source));
  return { news: { title: `${oneLine(name, 120)}: ${count}`, text: lines.join("\n") }, known };
}

/** @throws SourceUnreadable where there is no number. */
function numberNews(part: Part, before: Kept | null, source: PageSource): News {
  const { number = { changesBy: undefined } } = source;
  const value = firstNumber(part.text, number.decimal);
  if (value === null)
    throw new SourceUnreadable(
      `there is no number in ${JSON.stringify(oneLine(part.text, 80))}; select the part that has it`,
    );
  const { news, known } = watchNumber(value, before?.number ?? null, number);
  const text = part.text.slice(0, 300);
  const name = source.name ?? (part.title || pageLabel(source));
  return {
    news: news === null ? null : { title: `${oneLine(name, 120)}: ${value}, ${news}`, text },
    known: { text, number: known },
  };
}

function readKept(kept: string | null): Kept | null {
  return kept === null ? null : (JSON.parse(kept) as Kept);
}
