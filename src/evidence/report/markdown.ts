import type { Report } from "./read-report.ts";
import type { Section, Table } from "./section.ts";
import { sectionsOf, spanText } from "./sections.ts";
import { moment } from "./words.ts";

/** The whole report as a Markdown file. */
export function renderMarkdown(report: Report): string {
  const { agent, version, madeAt, timezone } = report;
  return `${[
    `# ${plain(agent)}: ${plain(spanText(report))}`,
    `Made ${moment(madeAt, timezone)} by afk ${plain(version)}. Value out is \`units x minutes / 60 x rate\`; net is that less dollars in; ratio is value out for each dollar in.`,
    ...sectionsOf(report).flatMap((section) => [`## ${section.title}`, ...sectionParts(section)]),
  ].join("\n\n")}\n`;
}

/** A section's sentences and its table, as paragraphs. */
export function sectionParts({ lines, table }: Section): string[] {
  return [
    ...(lines.length === 0 ? [] : [lines.map(plain).join("\n")]),
    ...(table === null ? [] : [tableText(table)]),
  ];
}

/** Text of any origin that shows as exactly that text, wherever in a line or a table it stands. */
export function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]+/gu, " ")
    .replace(/[\\`*[\]<>|~#!]|(?<!\w)_|_(?!\w)|\$(?!\d)/g, "\\$&")
    .replace(/&(?=#?\w+;)/g, "\\&")
    .trim();
}

function tableText({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => title)),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    ...rows.map((row) => line(row.map(plain))),
  ].join("\n");
}
