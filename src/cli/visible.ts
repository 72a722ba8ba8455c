import { visible } from "../lib/visible.ts";
import { textWidth } from "./width.ts";

/**
 * Visible text in pieces of at most `columns` columns, cut after a space where there is one late enough: a terminal that
 * wraps a long line by itself begins the rest at the left edge, where it could pass for a line of ours.
 */
export function wrapVisible(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  let width = 0;
  for (const character of visible(text)) {
    const more = textWidth(character);
    if (width + more > columns) {
      const space = line.lastIndexOf(" ") + 1;
      const end = space > line.length / 2 ? space : line.length;
      lines.push(line.slice(0, end));
      line = line.slice(end);
      width = textWidth(line);
    }
    line += character;
    width += more;
  }
  return [...lines, line];
}
