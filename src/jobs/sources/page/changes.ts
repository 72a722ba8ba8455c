import { diffArrays } from "diff";
import { clip } from "../../../lib/text.ts";
import { lineEraser } from "../line-pattern.ts";

/** More differences than these are not laid against each other line by line: the time that takes grows with their square. */
const EDITS_MAX = 1_000;
const LINE_CHARS_MAX = 400;

/** What differs between two texts: lines that went begin with `- `, those that came with `+ `. */
interface Changes {
  removed: number;
  added: number;
  lines: string[];
}

/** Compares line by line, without what is ignored and without regard to spaces; null where nothing differs. */
export function changesBetween(before: string, now: string, ignore: readonly string[]): Changes | null {
  const erase = lineEraser(ignore);
  const linesOf = (text: string) =>
    text
      .split("\n")
      .map((line) => erase(line).replace(/\s+/g, " ").trim())
      .filter((line) => line !== "");
  const [old, young] = [linesOf(before), linesOf(now)];
  const parts = diffArrays(old, young, { maxEditLength: EDITS_MAX });
  const pieces = parts ?? [
    { added: false, removed: true, value: without(old, young) },
    { added: true, removed: false, value: without(young, old) },
  ];
  const lines: string[] = [];
  const counts = { removed: 0, added: 0 };
  for (const { added, removed, value } of pieces) {
    if (!added && !removed) continue;
    counts[added ? "added" : "removed"] += value.length;
    lines.push(...value.map((line) => `${added ? "+" : "-"} ${clip(line, LINE_CHARS_MAX)}`));
  }
  return lines.length === 0 ? null : { ...counts, lines };
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line));
}
