/** A part of a report, for whatever shows it: sentences, then a table. All of it is plain text. */
export interface Section {
  id: string;
  title: string;
  lines: string[];
  table: Table | null;
}

export interface Table {
  columns: { title: string; align: "left" | "right" }[];
  rows: string[][];
}

/** `week:left in:right` says title and side of each column. */
export function table(columns: string, rows: string[][]): Table | null {
  if (rows.length === 0) return null;
  return {
    columns: [...columns.matchAll(/(\S.*?):(left|right)(?: |$)/g)].map(([, title = "", align]) => ({
      title,
      align: align === "right" ? "right" : "left",
    })),
    rows,
  };
}
