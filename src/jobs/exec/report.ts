import type { ReportItem, RunReport } from "../../delivery/report.ts";
import { oneLine } from "../../lib/text.ts";
import { headAndTail } from "../programs/output.ts";
import type { HandedIn } from "../programs/result-file.ts";

const TITLE_MAX = 120;

/**
 * What receivers of a command's run get: what it handed in, or else what it printed, its first line as the title. A command that
 * prints nothing has nothing to tell.
 */
export function execReport(
  { stdout, printed = headAndTail(stdout, (text) => text), truncated }: Printed,
  { summary, handed = null, items = [] }: { summary: string; handed?: HandedIn | null; items?: ReportItem[] },
): RunReport {
  if (handed !== null)
    return {
      title: handed.title ?? handed.summary ?? summary,
      text: handed.text ?? (items.length > 0 ? "" : printed),
      counts: handed.title === undefined ? null : summary,
      sections: items.length > 0 ? [{ heading: null, items }] : [],
      notes: [],
      files: [],
      isNews: items.length > 0 || (handed.units ?? 1) > 0,
    };
  const title = oneLine(printed.slice(0, 1_000).split("\n", 1)[0] ?? "", TITLE_MAX);
  return {
    title: title === "" ? "nothing printed" : title,
    text: printed === title ? "" : printed,
    counts: summary,
    sections: [],
    notes: truncated ? ["There was more output than max_output_kb keeps."] : [],
    files: [],
    isNews: printed !== "",
  };
}

interface Printed {
  stdout: string;
  printed?: string;
  truncated: boolean;
}
