import type { Column } from "../../lib/markdown.ts";

/** A part of a report, for whatever shows it: sentences, then a table. All of it is plain text. */
export type Section = ReturnType<typeof section>;

/** A table of plain text. */
export interface Table {
  columns: Required<Column>[];
  rows: string[][];
}

/** `week:left in:right` says title and side of each column; no rows are no table. */
export function section(
  [id, title]: readonly [id: string, title: string],
  lines: string[],
  columns = "",
  rows: string[][] = [],
) {
  const titles = [...columns.matchAll(/(\S.*?):(left|right)(?: |$)/g)].map(([, name = "", align]) => ({
    title: name,
    align: align === "right" ? ("right" as const) : ("left" as const),
  }));
  const table: Table | null = rows.length === 0 ? null : { columns: titles, rows };
  return { id, title, lines, table };
}
