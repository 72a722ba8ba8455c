import { styleText } from "node:util";
import { isColoured, type Sink, type Style } from "./output.ts";
import { textWidth } from "./width.ts";

/** A piece of a line in one style; null is plain. */
export interface Span {
  text: string;
  style: Style | null;
}

/** A line before it is laid out: its pieces from left to right. A text is a plain piece. */
export type Line = readonly (Span | string)[];

export function span(style: Style | null, text: string): Span {
  return { text, style };
}

/** Lines as text, each piece in its style where there is colour. */
export function paintLines(lines: readonly Line[], sink: Sink = process.stdout): string[] {
  // Asked once: a tree can have thousands of lines.
  const hasColour = isColoured(sink);
  return lines.map((line) =>
    line
      .map(spanOf)
      .map(({ text, style }) =>
        hasColour && style !== null && text !== "" ? styleText(style, text, { validateStream: false }) : text,
      )
      .join("")
      .trimEnd(),
  );
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, piece) => sum + textWidth(spanOf(piece).text), 0);
}

/**
 * Breaks a line after spaces into lines of at most `columns` columns; those after the first are indented. A word that is
 * wider than a line is cut. More than `linesMax` lines end in `…`.
 */
export function wrapLine(line: Line, columns: number, indent: number, linesMax: number): Line[] {
  if (lineWidth(line) <= columns) return [line];
  const lines: Span[][] = [[]];
  let width = 0;
  for (const { text, style } of line.flatMap((piece) => words(spanOf(piece)))) {
    if (width + textWidth(text.trimEnd()) > columns && width > indent) {
      lines.push([span(null, " ".repeat(indent))]);
      width = indent;
    }
    for (const part of cut(text, Math.max(1, columns - width), Math.max(1, columns - indent))) {
      if (width + textWidth(part.trimEnd()) > columns && width > indent) {
        lines.push([span(null, " ".repeat(indent))]);
        width = indent;
      }
      lines.at(-1)?.push(span(style, part));
      width += textWidth(part);
    }
  }
  // The rest of the text goes behind the last line that is shown, so that it is cut like any other.
  return lines.length <= linesMax
    ? lines
    : [...lines.slice(0, linesMax - 1), clipLine(joined(lines.slice(linesMax - 1)), columns)];
}

/** At most `columns` columns of a line; `…` stands for the rest. */
export function clipLine(line: Line, columns: number): Span[] {
  const pieces = line.map(spanOf);
  if (lineWidth(pieces) <= columns) return pieces;
  const kept: Span[] = [];
  let left = columns - 1;
  for (const { text, style } of pieces) {
    const [part = ""] = textWidth(text) <= left ? [text] : cut(text, left, Number.POSITIVE_INFINITY);
    kept.push(span(style, textWidth(part) > left ? part.trimEnd() : part));
    left -= textWidth(text);
    if (left <= 0) break;
  }
  return [...kept, span(null, "…")];
}

function spanOf(piece: Span | string): Span {
  return typeof piece === "string" ? span(null, piece) : piece;
}

/** Each word with the spaces after it; a number and its unit of time are one. */
function words({ text, style }: Span): Span[] {
  return (text.match(/^ +|\d+ (?:ms|s|min|h|d)(?!\w)[^ ]* *|[^ ]+ */g) ?? []).map((word) =>
    span(style, word),
  );
}

/** A text in pieces of at most `first`, then `columns` columns; spaces at its end do not count. */
function cut(text: string, first: number, columns: number): string[] {
  if (textWidth(text.trimEnd()) <= first) return [text];
  const parts: string[] = [];
  let part = "";
  let width = 0;
  for (const character of text) {
    const more = textWidth(character);
    if (width + more > (parts.length === 0 ? first : columns)) {
      parts.push(part);
      part = "";
      width = 0;
    }
    part += character;
    width += more;
  }
  return [...parts, part];
}

/** Lines as the one they were before the later ones were indented. */
function joined(lines: readonly (readonly Span[])[]): Span[] {
  return lines.flatMap((line, i) => (i === 0 ? line : line.slice(1)));
}
