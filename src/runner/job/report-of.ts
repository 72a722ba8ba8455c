import { readReport } from "../../delivery/read-report.ts";
import type { RunReport } from "../../delivery/report.ts";
import type { JobResult } from "../../jobs/job.ts";
import { type JobRow, PermanentFailure } from "../../queue/job.ts";
import type { Pending } from "./context.ts";

/** A dead run's error is of use from its end: there it says what went wrong. */
const ERROR_CHARS_MAX = 2_000;

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
  const plain = { title: `result of ${job.label}`, text: summary, isNews: units > 0 || files.length > 0 };
  const told = readReport(report ?? plain, redact);
  if (typeof told !== "string") return told;
  throw new PermanentFailure("bad_report", `the job's report is none (${told}); mend its kind`);
}

/** What they get of a run that failed for good. */
export function deathReport(
  job: Pick<JobRow, "key" | "label">,
  error: string,
  redact: (text: string) => string,
): RunReport {
  const tail = error.length <= ERROR_CHARS_MAX ? error : `…${error.slice(-ERROR_CHARS_MAX).toWellFormed()}`;
  const text = `${tail}\n\nIt waits for you: afk dead show ${job.key}`;
  const told = readReport({ title: `failed for good (${job.label})`, text }, redact);
  if (typeof told === "string") throw new Error(`afk bug: a report on a dead run is none (${told})`);
  return told;
}
