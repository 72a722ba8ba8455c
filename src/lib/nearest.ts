/**
 * The candidate that a mistyped `word` most likely stands for, or null when none is close. Close means a few
 * edits (insertions, deletions, replacements, swaps of neighbours: optimal string alignment), about one in three
 * letters, or that one is the beginning of the other. Case, `-` and `_` make no difference.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const sought = normalise(word);
  let best: { candidate: string; distance: number } | null = null;
  for (const candidate of candidates) {
    const other = normalise(candidate);
    const distance = isStart(sought, other) ? 1 : editDistance(sought, other);
    const allowed = Math.max(1, Math.floor(Math.max(sought.length, other.length) / 3));
    if (distance <= allowed && (best === null || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

/** `Did you mean digest?`, or what there is to choose from. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === null ? `There are: ${candidates.join(", ") || "none"}.` : `Did you mean ${near}?`;
}

/** No name in afk is longer, and the work grows with the square of it. */
const LENGTH_MAX = 64;

function normalise(word: string): string {
  return word.slice(0, LENGTH_MAX).toLowerCase().replace(/[-_]/g, "");
}

function isStart(word: string, other: string): boolean {
  const [short, long] = word.length < other.length ? [word, other] : [other, word];
  return short.length >= 3 && short !== long && long.startsWith(short);
}

function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (isSame ? 0 : 1),
        isSwap ? at(beforePrevious, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
