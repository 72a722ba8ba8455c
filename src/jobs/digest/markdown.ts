import { dayIn } from "../../lib/days.ts";
import { oneLine } from "../../lib/text.ts";
import {
  countsLine,
  type DigestDocument,
  type Entry,
  type Note,
  type Remarks,
  remarksOn,
} from "./document.ts";

/** The digest as Markdown. The same document gives the same bytes. */
export function composeMarkdown(document: DigestDocument): string {
  const { lead } = document;
  const remarks = remarksOn(document);
  const blocks = [
    `# Digest for ${escapeMarkdown(document.label)}`,
    ...(lead === null ? [] : [`> ${escapeMarkdown(lead.text)}`, ...remarkBlock(remarks.of("lead", lead))]),
    countsLine(document),
    ...remarkBlock(remarks.all),
    ...document.entries.flatMap((entry) => entryBlocks(entry, document.timezone, remarks)),
    ...noteBlocks("Failing sources", document.failures),
    ...noteBlocks("Left out", document.omissions),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function entryBlocks({ item, summary }: Entry, timezone: string, remarks: Remarks): string[] {
  const title = escapeMarkdown(item.title);
  const heading = item.link === null ? title : `[${title}](${markdownDestination(item.link)})`;
  const date = item.publishedAt === null ? "undated" : dayIn(item.publishedAt, timezone);
  return [
    `## ${heading}`,
    `*${escapeMarkdown(item.source)}, ${date}*`,
    escapeMarkdown(summary.text),
    ...remarkBlock(remarks.of("summary", summary)),
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
/** U+2060: invisible, no width, no break. It ends what a renderer would otherwise turn into a link by itself. */
const WORD_JOINER = "\u2060";

/**
 * Text from outside as one line of Markdown that shows as exactly that text: no emphasis, code, link, image, HTML,
 * table, heading, list, formula or entity, wherever on a line it stands. Bare addresses (GFM, "Autolinks
 * (extension)": http://, www., mailto:, name@host) stay text too.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text, LINE_CHARS_MAX)
    .replace(/[\\`*_[\]<>|~$]|&(?=#?\w+;)/g, "\\$&")
    .replace(/^[#+\-=:]/, "\\$&")
    .replace(/^(\d{1,9})([.)])/, "$1\\$2")
    .replace(/#(?=#*$)/g, (mark, at: number) => (at === 0 ? mark : `\\${mark}`))
    .replace(/:\/\//g, `:${WORD_JOINER}//`)
    .replace(/www\./gi, (www) => `${www.slice(0, -1)}${WORD_JOINER}.`)
    .replace(/(?:mailto|xmpp):/gi, (scheme) => `${scheme.slice(0, -1)}${WORD_JOINER}:`)
    .replace(/(?<=[\w.+-])@/g, `${WORD_JOINER}@`);
}

/** An address that `safeLink` let through, as a Markdown link destination that cannot end early. */
export function markdownDestination(link: string): string {
  return link
    .replace(/[()<>\\`|\s]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`)
    .replace(/&(?=#?\w+;)/g, "&amp;");
}
