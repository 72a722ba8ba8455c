import { readReport } from "../../delivery/read-report.ts";
import type { RunReport } from "../../delivery/report.ts";
import type { JobResult } from "../../jobs/job.ts";
import { labelInWords } from "../../lib/days.ts";
import { endOfError } from "../../lib/text.ts";
import { type JobRow, PermanentFailure } from "../../queue/job.ts";
import type { Pending } from "./context.ts";

/** What a message about a dead run holds of its error, in UTF-16 units. */
const ERROR_CHARS_MAX = 1_000;

/**
 * What the receivers of a run get: its own report, or else its one line and its files. @throws PermanentFailure
 * (`bad_report`) for what is no report.
 */
export function reportOf(
  job: Pick<JobRow, "label">,
  { report, summary, units }: JobResult,
  { files }: Pick<Pending, "files">,
  redact: (text: string) => string,
): RunReport {
  const plain = {
    title: `result of ${labelInWords(job.label)}`,
    text: summary,
    isNews: units > 0 || files.length > 0,
  };
  const told = readReport(report ?? plain, redact);
  if (typeof told !== "string") return told;
  throw new PermanentFailure("bad_report", `the job's report is none (${told}); mend its kind`);
}

/** What they get of a run that failed for good. */
export function deathReport(
  job: Pick<JobRow, "name" | "label">,
  error: string,
  redact: (text: string) => string,
): RunReport {
  const text = `${endOfError(error, ERROR_CHARS_MAX)}\n\nIt waits for you: afk dead show ${job.name}`;
  const told = readReport({ title: `failed for good (${labelInWords(job.label)})`, text }, redact);
  if (typeof told === "string") throw new Error(`afk bug: a report on a dead run is none (${told})`);
  return told;
}
