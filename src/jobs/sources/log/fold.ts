import { isAtLeast, LEVELS, type Level, type LogLine, patternOf } from "./line.ts";

/** Kinds of lines of one level that are told apart; further ones are counted. Many harmless ones take no room from a bad one. */
const PATTERNS_OF_LEVEL_MAX = 1_000;
const SAMPLE_CHARS_MAX = 2_000;
/** Lines that go on with the one before them, of its sample. */
const CONTINUED_MAX = 6;

/** Lines that differ in numbers, times and ids alone. */
export interface Folded {
  pattern: string;
  level: Level;
  count: number;
  /** UTC epoch milliseconds; null where no line said it. */
  firstMs: number | null;
  lastMs: number | null;
  /** The latest of them, with what went on behind it. */
  sample: string;
}

/** Counts lines as they come; what it holds does not grow with them. */
export function createFold({
  level,
  isWanted,
}: {
  level: Level | undefined;
  isWanted: (text: string) => boolean;
}) {
  const byPattern = new Map<string, Folded>();
  let open: { folded: Folded | null; continued: number } = { folded: null, continued: 0 };
  const patterns = new Map<Level, number>();
  let others = 0;

  function add({ text, level: own, timeMs }: LogLine): void {
    // Such as the lines of a stack trace: they are of what stands above them.
    if (/^(?:\s|Caused by:)/.test(text)) {
      if (open.folded !== null && open.continued++ < CONTINUED_MAX)
        open.folded.sample = `${open.folded.sample}\n${text.trimEnd()}`.slice(0, SAMPLE_CHARS_MAX);
      return;
    }
    open = { folded: null, continued: 0 };
    if (level !== undefined && !isAtLeast(own, level)) return;
    if (text.trim() === "" || !isWanted(text)) return;
    const pattern = patternOf(text);
    const found = byPattern.get(pattern);
    if (found === undefined) {
      const known = patterns.get(own) ?? 0;
      if (known >= PATTERNS_OF_LEVEL_MAX) {
        others++;
        return;
      }
      patterns.set(own, known + 1);
    }
    const folded = found ?? { pattern, level: own, count: 0, firstMs: timeMs, lastMs: timeMs, sample: "" };
    folded.count++;
    folded.firstMs ??= timeMs;
    folded.lastMs = timeMs ?? folded.lastMs;
    folded.sample = text.slice(0, SAMPLE_CHARS_MAX);
    if (isAtLeast(own, folded.level)) folded.level = own;
    byPattern.set(pattern, folded);
    open = { folded, continued: 0 };
  }

  return {
    add,
    /** The worst first, of those the most frequent; and how many lines are in none of them. */
    list(): { folded: Folded[]; others: number } {
      const rank = ({ level: each }: Folded) => LEVELS.indexOf(each);
      const folded = [...byPattern.values()].toSorted((a, b) => rank(a) - rank(b) || b.count - a.count);
      return { folded, others };
    },
  };
}
