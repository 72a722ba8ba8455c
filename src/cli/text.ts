import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { oneLine, paint } from "./output.ts";

/* How text is laid out for a terminal. Styles within a text take no room and survive a line break. */

/** A column: its title, the text of its cell in a row, and its side. Numbers are easier to compare when aligned right. */
export type Column<Row> = readonly [title: string, value: (row: Row) => string, align?: "right"];

const GAP = "  ";
const FIRST_MIN = 12;
const LAST_MIN = 24;

/** Columns as wide as their widest cell, two spaces apart, under their titles; `none` alone for no rows. */
export function tableText<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  none: string,
): string[] {
  if (rows.length === 0) return [none];
  const [titles = "", ...lines] = tableLines(
    columns.map(([title, , align]) => ({ title, align })),
    rows.map((row) => columns.map(([, value]) => value(row))),
  );
  return [paint("bold", titles), ...lines];
}

/**
 * A table as lines, the titles first. Within `columnsMax` a last column of text goes on below itself, and where all that
 * follows the first column are figures, its names are cut.
 */
export function tableLines(
  columns: readonly { title: string; align?: "left" | "right" | undefined }[],
  rows: readonly (readonly string[])[],
  columnsMax = Number.POSITIVE_INFINITY,
): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(oneLine))];
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => stringWidth(row[at] ?? ""))));
  const last = columns.length - 1;
  const isLastText = columns[last]?.align !== "right";
  const surplus = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - columnsMax;
  if (surplus > 0 && !isLastText) {
    widths[0] = Math.max(FIRST_MIN, (widths[0] ?? 0) - surplus);
    for (const row of cells.slice(1)) row[0] = clip(row[0] ?? "", widths[0]);
  }
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = Math.max(LAST_MIN, columnsMax - before);
  return cells.flatMap((row) => {
    const [end = "", ...more] = isLastText ? wrap(row[last] ?? "", room) : [row[last] ?? ""];
    const line = [...row.slice(0, last), end].map((cell, at) =>
      padToWidth(cell, widths[at] ?? 0, columns[at]?.align ?? "left"),
    );
    return [line.join(GAP).trimEnd(), ...more.map((part) => `${" ".repeat(before)}${part}`)];
  });
}

/** Fills with spaces to `width` columns; longer text stays whole. */
export function padToWidth(text: string, width: number, align: "left" | "right"): string {
  const fill = " ".repeat(Math.max(0, width - stringWidth(text)));
  return align === "right" ? fill + text : text + fill;
}

/** Text in lines of at most `columns` columns, broken at spaces; a word that is wider than a line stays whole. */
export function wrap(text: string, columns: number): string[] {
  return stringWidth(text) <= columns ? [text] : wrapAnsi(text, columns).split("\n");
}

/**
 * Text behind a head, in lines of at most `columns` columns; later lines stand behind `rest`, by default below the text.
 * More than `linesMax` lines end in `…`.
 */
export function hang(
  head: string,
  text: string,
  columns: number,
  linesMax: number,
  rest = " ".repeat(stringWidth(head)),
): string[] {
  const room = Math.max(1, columns - Math.max(stringWidth(head), stringWidth(rest)));
  if (stringWidth(text) <= room) return [(head + text).trimEnd()];
  const lines = wrapAnsi(text, room, { hard: true }).split("\n");
  const shown = lines.slice(0, linesMax);
  if (lines.length > linesMax) shown.push(clip(`${shown.pop() ?? ""} ${lines[linesMax] ?? ""}`, room));
  return shown.map((line, i) => `${i === 0 ? head : rest}${line}`);
}

/** At most `columns` columns of a text; `…` stands for the rest. */
export function clip(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  const [start = ""] = wrapAnsi(text, Math.max(1, columns - 1), { hard: true, wordWrap: false }).split("\n");
  return `${start}…`;
}
