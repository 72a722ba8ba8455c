import { stripVTControlCharacters } from "node:util";
import type { Report } from "../../delivery/report.ts";
import { oneLine } from "../../lib/text.ts";

/** UTF-16 units of the output that a report keeps: the beginning says what it is, the end what came of it. */
const HEAD_MAX = 4_000;
const TAIL_MAX = 4_000;
const TITLE_MAX = 120;

/**
 * What receivers of a command's run get: what it printed, its first line as the title. A command that prints nothing has
 * nothing to tell.
 */
export function execReport(
  { stdout, truncated }: { stdout: string; truncated: boolean },
  summary: string,
): Report & { isNews: boolean } {
  const output = stripVTControlCharacters(stdout).replaceAll("\r\n", "\n").trim();
  const title = oneLine(output.slice(0, 1_000).split("\n", 1)[0] ?? "", TITLE_MAX);
  const text = output === title ? "" : headAndTail(output);
  return {
    title: title === "" ? "nothing printed" : title,
    text,
    counts: summary,
    sections: [],
    notes: truncated ? ["There was more output than max_output_kb keeps."] : [],
    files: [],
    isNews: output !== "",
  };
}

function headAndTail(text: string): string {
  if (text.length <= HEAD_MAX + TAIL_MAX) return text;
  const head = text.slice(0, HEAD_MAX).toWellFormed();
  const tail = text.slice(-TAIL_MAX).toWellFormed();
  return `${head}\n[${text.length - HEAD_MAX - TAIL_MAX} characters left out]\n${tail}`;
}
