import {
  countsLine,
  type DigestDocument,
  dateIn,
  type Entry,
  type Marks,
  marksOf,
  type Note,
} from "./document.ts";
import { escapeMarkdown, markdownDestination } from "./escape.ts";

/** The digest as Markdown. The same document gives the same bytes. */
export function composeMarkdown(document: DigestDocument): string {
  const marks = marksOf(document);
  const blocks = [`# Digest for ${escapeMarkdown(document.label)}`];
  if (document.lead !== null) {
    blocks.push(`> ${escapeMarkdown(document.lead.text)}`, ...markBlock(marks.of("lead", document.lead)));
  }
  blocks.push(countsLine(document), ...markBlock(marks.all));
  for (const entry of document.entries) blocks.push(...entryBlocks(entry, document.timezone, marks));
  blocks.push(...noteBlocks("Failing sources", document.failures));
  blocks.push(...noteBlocks("Left out", document.omissions));
  return `${blocks.join("\n\n")}\n`;
}

function entryBlocks({ item, summary }: Entry, timezone: string, marks: Marks): string[] {
  const title = escapeMarkdown(item.title);
  const heading = item.link === null ? title : `[${title}](${markdownDestination(item.link)})`;
  const date = item.publishedAt === null ? "undated" : dateIn(timezone, item.publishedAt);
  return [
    `## ${heading}`,
    `*${escapeMarkdown(item.source)}, ${date}*`,
    escapeMarkdown(summary.text),
    ...markBlock(marks.of("summary", summary)),
  ];
}

function markBlock(mark: string | null): string[] {
  return mark === null ? [] : [`*(${escapeMarkdown(mark)})*`];
}

function noteBlocks(heading: string, notes: Note[]): string[] {
  if (notes.length === 0) return [];
  const lines = notes.map((note) => `- ${escapeMarkdown(note.source)}: ${escapeMarkdown(note.error)}`);
  return [`## ${heading}`, lines.join("\n")];
}
