import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { oneLine, paint, terminalColumns } from "./output.ts";

/* How text is laid out for a terminal. Styles within a text take no room and survive a line break. */

/** A column: its title, the text of its cell in a row, and its side. Numbers are easier to compare when aligned right. */
export type Column<Row> = readonly [title: string, value: (row: Row) => string, align?: "right"];

const GAP = "  ";
const NAME_MIN = 10;
const LAST_MIN = 20;
const LINES_MAX = 3;
/** So wide is what any terminal shows; what is written to a file or a pipe is as wide. */
export const COLUMNS = 80;

/**
 * A table in the width of the terminal: columns two spaces apart under their titles, without those that are empty in every
 * row; `none` alone for no rows. `below` is what a row says under itself, such as an error; "" is nothing.
 */
export function tableText<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  none: string,
  below: (row: Row) => string = () => "",
): string[] {
  if (rows.length === 0) return [none];
  const columnsMax = terminalColumns() ?? COLUMNS;
  const cells = rows.map((row) => columns.map(([, value]) => oneLine(value(row))));
  const shown = columns.map((_, at) => at).filter((at) => cells.some((row) => row[at] !== ""));
  const [titles = [], ...lines] = layOut(
    shown.map((at) => ({ title: columns[at]?.[0] ?? "", align: columns[at]?.[2] })),
    cells.map((row) => shown.map((at) => row[at] ?? "")),
    { columnsMax, linesMax: LINES_MAX },
  );
  return [
    ...titles.map((line) => paint("bold", line)),
    ...rows.flatMap((row, at) => {
      const more = oneLine(below(row));
      return [...(lines[at] ?? []), ...(more === "" ? [] : hang("    ", more, columnsMax, LINES_MAX))];
    }),
  ];
}

/** A table as lines, the titles first: see `layOut`. */
export function tableLines(
  columns: readonly { title: string; align?: "left" | "right" | undefined }[],
  rows: readonly (readonly string[])[],
  columnsMax = Number.POSITIVE_INFINITY,
): string[] {
  return layOut(
    columns,
    rows.map((row) => row.map(oneLine)),
    { columnsMax, linesMax: Infinity },
  ).flat();
}

/**
 * The lines of the titles, then of each row. Within `columnsMax` a last column of text goes on below itself in up to
 * `linesMax` lines, and names in the other columns of text, the longest first, lose their middles.
 */
function layOut(
  columns: readonly { title: string; align?: "left" | "right" | undefined }[],
  rows: readonly (readonly string[])[],
  { columnsMax, linesMax }: { columnsMax: number; linesMax: number },
): string[][] {
  const cells = [columns.map(({ title }) => title), ...rows];
  const last = columns.length - 1;
  const isLastText = columns[last]?.align !== "right";
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => stringWidth(row[at] ?? ""))));
  if (isLastText) widths[last] = Math.min(widths[last] ?? 0, LAST_MIN);
  const isName = (at: number) => columns[at]?.align !== "right" && !(isLastText && at === last);
  shrink(widths, columns.map((_, at) => at).filter(isName), columnsMax);
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const room = Math.max(LAST_MIN, columnsMax - before);
  return cells.map((row) => {
    const names = row.map((cell, at) => (isName(at) ? clipMiddle(cell, widths[at] ?? 0) : cell));
    const [end = "", ...more] = isLastText ? hang("", row[last] ?? "", room, linesMax) : [row[last] ?? ""];
    const line = [...names.slice(0, last), end].map((cell, at) =>
      padToWidth(cell, widths[at] ?? 0, columns[at]?.align ?? "left"),
    );
    return [line.join(GAP).trimEnd(), ...more.map((part) => `${" ".repeat(before)}${part}`)];
  });
}

/** Takes from the widest of `names` until all fits, or each is as narrow as a name may be. */
function shrink(widths: number[], names: readonly number[], columnsMax: number): void {
  const total = () => widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length);
  while (total() > columnsMax) {
    const widest = names.reduce<number | undefined>(
      (best, at) => ((widths[at] ?? 0) > (best === undefined ? NAME_MIN : (widths[best] ?? 0)) ? at : best),
      undefined,
    );
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
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

/** At most `columns` columns of a name; `…` stands for its middle, since both ends tell names apart. */
function clipMiddle(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  const characters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  const end = fitting(characters.toReversed(), Math.floor((columns - 1) / 2)).toReversed();
  const start = fitting(characters, columns - 1 - stringWidth(end.join("")));
  return `${start.join("")}…${end.join("")}`;
}

function fitting(characters: readonly string[], columns: number): string[] {
  let width = 0;
  const firstOver = characters.findIndex((character) => {
    width += stringWidth(character);
    return width > columns;
  });
  return characters.slice(0, firstOver === -1 ? undefined : firstOver);
}
