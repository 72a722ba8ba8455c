import type { Report } from "../../evidence/report/read-report.ts";
import type { Section, Table } from "../../evidence/report/section.ts";
import { sectionsOf, spanText } from "../../evidence/report/sections.ts";
import { oneLine, paint } from "../output.ts";
import { padToWidth, textWidth } from "../width.ts";

/** So wide is what a terminal surely shows. */
const COLUMNS = 80;

/** The whole report as lines for a terminal, 80 columns wide. */
export function reportView(report: Report): string[] {
  return [
    paint("bold", `${report.agent}, ${spanText(report)}`),
    ...sectionsOf(report).flatMap((section) => ["", ...sectionLines(section)]),
  ];
}

function sectionLines({ id, title, lines, table }: Section): string[] {
  // The first table stands under the name of the agent and needs no titles.
  const head = id === "sum" ? [] : [paint("bold", title)];
  return [
    ...head,
    ...lines.flatMap((line) => wrap(oneLine(line), COLUMNS)),
    ...(table === null ? [] : tableLines(table, id !== "sum")),
  ];
}

/** Columns as wide as their cells; what the last one has too much goes on below itself. */
function tableLines({ columns, rows }: Table, hasTitles: boolean): string[] {
  const cells = fitted(
    rows.map((row) => row.map(oneLine)),
    columns,
  );
  const titles = columns.map(({ title }) => title);
  const all = hasTitles ? [titles, ...cells] : cells;
  const widths = columns.map((_, at) => Math.max(...all.map((row) => textWidth(row[at] ?? ""))));
  const last = columns.length - 1;
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const isLong = columns[last]?.align === "left";
  return all.flatMap((row, at) => {
    const parts = isLong ? wrap(row[last] ?? "", Math.max(24, COLUMNS - before)) : [row[last] ?? ""];
    const start = row
      .slice(0, last)
      .map((cell, column) => padToWidth(cell, widths[column] ?? 0, columns[column]?.align ?? "left"));
    const end = isLong ? (parts[0] ?? "") : padToWidth(parts[0] ?? "", widths[last] ?? 0, "right");
    const line = [...start, end].join(GAP).trimEnd();
    const first = hasTitles && at === 0 ? paint("dim", line) : line;
    return [first, ...parts.slice(1).map((part) => `${" ".repeat(before)}${part}`)];
  });
}

/** Names in the first column give way where nothing else can: what is after them are figures. */
function fitted(rows: string[][], columns: Table["columns"]): string[][] {
  if (columns.at(-1)?.align === "left") return rows;
  const widths = columns.map(({ title }, at) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[at] ?? ""))),
  );
  const surplus = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - COLUMNS;
  if (surplus <= 0) return rows;
  const charsMax = Math.max(NAME_MIN, (widths[0] ?? 0) - surplus);
  return rows.map(([name = "", ...rest]) => [
    name.length > charsMax ? `${name.slice(0, charsMax - 1)}…` : name,
    ...rest,
  ]);
}

const GAP = "  ";
const NAME_MIN = 12;

/** Breaks at spaces; a word that is longer than the line is left alone. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && textWidth(`${line} ${word}`) > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
