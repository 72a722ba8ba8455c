import type { Report } from "../../evidence/report/read-report.ts";
import type { Section, Table } from "../../evidence/report/section.ts";
import { sectionsOf, spanText } from "../../evidence/report/sections.ts";
import { oneLine, paint } from "../output.ts";
import { COLUMNS, tableLines, wrap } from "../text.ts";

/** The whole report as lines for a terminal, 80 columns wide. */
export function reportView(report: Report): string[] {
  return [
    ...wrap(`${oneLine(report.agent)}, ${spanText(report)}`, COLUMNS).map((line) => paint("bold", line)),
    ...sectionsOf(report).flatMap((section) => ["", ...sectionLines(section)]),
  ];
}

function sectionLines({ id, title, lines, table }: Section): string[] {
  // The first table stands under the name of the agent and needs no titles.
  const head = id === "sum" ? [] : [paint("bold", title)];
  return [
    ...head,
    ...lines.flatMap((line) => wrap(oneLine(line), COLUMNS)),
    ...(table === null ? [] : tableText(table, id !== "sum")),
  ];
}

function tableText({ columns, rows }: Table, hasTitles: boolean): string[] {
  const [titles = "", ...lines] = tableLines(columns, rows, COLUMNS);
  return hasTitles ? [paint("dim", titles), ...lines] : lines;
}
