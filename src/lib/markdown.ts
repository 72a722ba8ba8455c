/**
 * Text of foreign origin for one place in Markdown: on one line, and nothing in it is a heading, a list, a link, HTML, or
 * the end of a cell. What cannot be seen, or turns the direction of writing around, is left out.
 */
export function plainMarkdown(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .replace(/[\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, "")
    .trim()
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/[\\`*_[\]|~#!]/g, String.raw`\$&`)
    .replace(/:\/\//g, String.raw`\://`)
    .replace(/^(\d+)([.)])(?=\s|$)/, String.raw`$1\$2`)
    .replace(/^[-+=]/, String.raw`\$&`);
}

/** A column of a table; to the left unless said. */
export interface Column {
  title: string;
  align?: "left" | "right";
}

/** A table; the cells are Markdown already. */
export function markdownTable(
  columns: readonly (Column | string)[],
  rows: readonly (readonly string[])[],
): string {
  const lay = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const all = columns.map((column) => (typeof column === "string" ? { title: column } : column));
  const rule = all.map(({ align }) => (align === "right" ? "---:" : "---"));
  return [lay(all.map(({ title }) => title)), `|${rule.join("|")}|`, ...rows.map(lay)].join("\n");
}
