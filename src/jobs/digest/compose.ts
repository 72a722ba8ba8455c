import { countsLine, type DigestDocument, dateIn, type Entry, markOf, type Note } from "./document.ts";
import { escapeMarkdown, markdownDestination } from "./escape.ts";

/** The digest as Markdown. The same document gives the same bytes. */
export function composeMarkdown(document: DigestDocument): string {
  const blocks = [`# Digest for ${escapeMarkdown(document.label)}`];
  if (document.lead !== null) {
    blocks.push(
      `> ${escapeMarkdown(document.lead.text)}`,
      `*(${escapeMarkdown(markOf("lead", document.lead))})*`,
    );
  }
  blocks.push(countsLine(document));
  for (const entry of document.entries) blocks.push(...entryBlocks(entry, document.timezone));
  blocks.push(...noteBlocks("Failing sources", document.failures));
  blocks.push(...noteBlocks("Left out", document.omissions));
  return `${blocks.join("\n\n")}\n`;
}

function entryBlocks({ item, summary }: Entry, timezone: string): string[] {
  const title = escapeMarkdown(item.title);
  const heading = item.link === null ? title : `[${title}](${markdownDestination(item.link)})`;
  const date = item.publishedAt === null ? "undated" : dateIn(timezone, item.publishedAt);
  return [
    `## ${heading}`,
    `*${escapeMarkdown(item.source)}, ${date}*`,
    escapeMarkdown(summary.text),
    `*(${escapeMarkdown(markOf("summary", summary))})*`,
  ];
}

function noteBlocks(heading: string, notes: Note[]): string[] {
  if (notes.length === 0) return [];
  const lines = notes.map((note) => `- ${escapeMarkdown(note.source)}: ${escapeMarkdown(note.error)}`);
  return [`## ${heading}`, lines.join("\n")];
}
