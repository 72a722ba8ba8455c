import { markdownTable, plainMarkdown } from "../../lib/markdown.ts";
import type { Report } from "./read-report.ts";
import { type Section, sectionsOf, spanText } from "./sections.ts";
import { moment } from "./words.ts";

/** The whole report as a Markdown file. */
export function renderMarkdown(report: Report): string {
  const { agent, version, madeAt, timezone } = report;
  return `${[
    `# ${plainMarkdown(agent)}: ${plainMarkdown(spanText(report))}`,
    `Made ${moment(madeAt, timezone)} by afk ${plainMarkdown(version)}. Value out is \`units x minutes / 60 x rate\`; net is that less dollars in; ratio is value out for each dollar in.`,
    ...sectionsOf(report).flatMap((section) => [`## ${section.title}`, ...sectionParts(section)]),
  ].join("\n\n")}\n`;
}

/** A section's sentences and its table, as paragraphs. */
export function sectionParts({ lines, table }: Section): string[] {
  return [
    ...(lines.length === 0 ? [] : [lines.map(plainMarkdown).join("\n")]),
    ...(table === null
      ? []
      : [
          markdownTable(
            table.columns,
            table.rows.map((row) => row.map(plainMarkdown)),
          ),
        ]),
  ];
}
