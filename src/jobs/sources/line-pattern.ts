/** Of a line that is looked at. */
export const LINE_CHARS_MAX = 4_000;

/** A place of a line that a pattern covers: from `start` up to `end`, in UTF-16 units. */
interface Span {
  start: number;
  end: number;
}

/**
 * Makes a search for a plain text in a line, in any case: `#` stands for a number, `*` for whatever is between two parts. It takes
 * time in proportion to the line, whatever the line is, which no expression of an owner's would promise.
 */
function linePattern(pattern: string): (line: string, from: number) => Span | null {
  const pieces = pattern.split("*").filter((piece) => piece.trim() !== "");
  const searches = pieces.map((piece) => new RegExp(piece.split("#").map(escapeRegExp).join(NUMBER), "gi"));
  return (line, from) => {
    let start: number | null = null;
    let end = from;
    for (const search of searches) {
      search.lastIndex = end;
      const found = search.exec(line);
      if (found === null) return null;
      start ??= found.index;
      end = search.lastIndex;
    }
    return start === null ? null : { start, end };
  };
}

/** Begins only where digits begin, so that a line of a thousand of them is looked at once. */
const NUMBER = String.raw`(?<!\d[.,]?)\d+(?:[.,]\d+)*`;

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Whether one of the patterns is in a line. */
export function lineMatcher(patterns: readonly string[]): (line: string) => boolean {
  const searches = patterns.map(linePattern);
  return (line) => searches.some((search) => search(line.slice(0, LINE_CHARS_MAX), 0) !== null);
}

/** The line without what the patterns cover. */
export function lineEraser(patterns: readonly string[]): (line: string) => string {
  const searches = patterns.map(linePattern);
  return (line) =>
    searches.reduce(
      (left, search) => {
        const parts: string[] = [];
        let from = 0;
        for (let found = search(left, 0); found !== null && found.end > from; found = search(left, from)) {
          parts.push(left.slice(from, found.start));
          from = found.end;
        }
        return parts.join("") + left.slice(from);
      },
      line.slice(0, LINE_CHARS_MAX),
    );
}
