import { oneLine } from "../../../lib/text.ts";
import {
  bylineOf,
  countsLine,
  type DigestDocument,
  type DigestSection,
  type Entry,
  type Note,
  type Remarks,
  rateCommand,
  remarksOn,
  titleOf,
} from "./document.ts";

/** The digest as Markdown. The same document gives the same bytes. */
export function composeMarkdown(document: DigestDocument): string {
  const { lead } = document;
  const remarks = remarksOn(document);
  const rate = rateCommand(document);
  const blocks = [
    `# ${escapeMarkdown(titleOf(document))}`,
    ...(lead === null ? [] : [`> ${escapeMarkdown(lead.text)}`, ...remarkBlock(remarks.of("lead", lead))]),
    countsLine(document),
    ...remarkBlock(remarks.all),
    ...document.sections.flatMap((section) => sectionBlocks(section, document.timezone, remarks)),
    ...noteBlocks("By source", document.tally ?? []),
    ...noteBlocks("Failing sources", document.failures),
    ...noteBlocks("Left out", document.omissions),
    ...(rate === null ? [] : ["---", `*To rate an item: \`${rate}\`, or down.*`]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function sectionBlocks(section: DigestSection, timezone: string, remarks: Remarks): string[] {
  const { heading, entries } = section;
  const level = heading === null ? "##" : "###";
  return [
    ...(heading === null ? [] : [`## ${escapeMarkdown(heading)}`]),
    ...entries.flatMap((entry) => [
      `${level} ${titleLink(entry)}`,
      ...entryBlocks(entry, section, timezone, remarks),
    ]),
  ];
}

function titleLink({ item }: Entry): string {
  const title = escapeMarkdown(item.title);
  return item.link === null ? title : `[${title}](${markdownDestination(item.link)})`;
}

function entryBlocks(entry: Entry, section: DigestSection, timezone: string, remarks: Remarks): string[] {
  const { summary, reasons } = entry;
  const { source, day } = bylineOf(entry, section, timezone);
  const whose = source === null ? "" : `${escapeMarkdown(source)}, `;
  return [
    `*${whose}${day ?? "undated"}${entry.id === null ? "" : ` · ${entry.id}`}*`,
    ...(summary === null
      ? []
      : [escapeMarkdown(summary.text), ...remarkBlock(remarks.of("summary", summary))]),
    ...(reasons.length === 0 ? [] : [`*${escapeMarkdown(reasons.join("; "))}*`]),
  ];
}

function remarkBlock(remark: string | null): string[] {
  return remark === null ? [] : [`*(${escapeMarkdown(remark)})*`];
}

function noteBlocks(heading: string, notes: Note[]): string[] {
  if (notes.length === 0) return [];
  const lines = notes.map((note) => `- ${escapeMarkdown(note.source)}: ${escapeMarkdown(note.error)}`);
  return [`## ${heading}`, lines.join("\n")];
}

const LINE_CHARS_MAX = 4_000;

/**
 * What renderers turn into a link by themselves (GFM, "Autolinks (extension)": a scheme, www., mailto:, name@host), up to a
 * space or what could end a code span or a link.
 */
const ADDRESS =
  /(?:[\w.+-]*:\/\/|www\.|(?:mailto|xmpp):|[\w.+-]+@)[^\s`[\]<>\\|、。，！？；：「」『』（）【】《》]*/giu;

/**
 * Text from outside as one line of Markdown that shows as exactly that text: no emphasis, code, link, image, HTML,
 * table, heading, list, formula or entity, wherever on a line it stands. A bare address stays text too: it stands in a code
 * span, the one form that every renderer leaves alone and from which it copies as it is.
 */
export function escapeMarkdown(text: string): string {
  const line = oneLine(text, LINE_CHARS_MAX);
  let escaped = "";
  let end = 0;
  for (const { 0: found, index } of line.matchAll(ADDRESS)) {
    const address = withoutPunctuation(found);
    escaped += `${escapeInline(line.slice(end, index))}\`${address}\``;
    end = index + address.length;
  }
  return `${escaped}${escapeInline(line.slice(end))}`
    .replace(/^[#+\-=:]/, "\\$&")
    .replace(/^(\d{1,9})([.)])/, "$1\\$2")
    .replace(/#(?=#*$)/g, (mark, at: number) => (at === 0 ? mark : `\\${mark}`));
}

function escapeInline(text: string): string {
  return text.replace(/[\\`*_[\]<>|~$]|&(?=#?\w+;)/g, "\\$&");
}

/** An address without the punctuation of the sentence that it ends; a bracket belongs to it when it was opened within. */
function withoutPunctuation(address: string): string {
  let end = address.length;
  while (end > 1) {
    const last = address[end - 1] ?? "";
    const isOpened =
      last === ")" && countOf(address.slice(0, end), "(") >= countOf(address.slice(0, end), ")");
    if (isOpened || !/[.,:;!?'"*_~)…]/.test(last)) break;
    end--;
  }
  return address.slice(0, end);
}

function countOf(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** An address that `safeLink` let through, as a Markdown link destination that cannot end early. */
export function markdownDestination(link: string): string {
  return link
    .replace(/[()<>\\`|\s]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`)
    .replace(/&(?=#?\w+;)/g, "&amp;");
}
