import type { Announce } from "../../alerts/outbox.ts";
import { lastsSince } from "../../alerts/recipients.ts";
import type { SourceReport } from "../../jobs/job.ts";
import { dayIn, dayInWords } from "../../lib/days.ts";
import { asSentence, endOfError } from "../../lib/text.ts";
import type { JobRow } from "../../queue/job.ts";
import type { Trx } from "../../store/schema.ts";

/** What a run of a job found of its sources; `name` and `key` are the job's. */
interface SourcesReport extends Pick<JobRow, "name" | "key"> {
  tick: string;
  sources: readonly SourceReport[];
  nowMs: number;
  timezone: string;
  /** The job waits for all of them, instead of going on without one. */
  isWaiting?: boolean;
}

/**
 * Reports in the job's own transaction which sources failed, at every run to the log and once an outage as an alert, and which
 * work again. A source that comes and goes is reported once a day.
 */
export async function reportSources(trx: Trx, announce: Announce, report: SourcesReport): Promise<void> {
  for (const { id, label, error } of worstOfEach(report.sources)) {
    const subject = `${report.name}/${id}`;
    const since = await lastsSince(trx, { trouble: "source_failed", end: "source_recovered", subject });
    const about = { subject, source: label, job: report.key, tick: report.tick };
    if (error !== null) {
      const goesOn = report.isWaiting
        ? "has no other and waits for it"
        : "goes on without it and asks again at its next run";
      await announce(trx, {
        event: "source_failed",
        title: `${label} cannot be read`,
        message: `${asSentence(endOfError(error))} The job ${report.name} ${goesOn}. Look: afk logs --event source_failed --since 7d`,
        occurrence: since ?? dayIn(report.nowMs, report.timezone),
        ...about,
      });
    } else if (since !== null) {
      await announce(trx, {
        event: "source_recovered",
        title: `${label} can be read again`,
        message: `It had failed since ${dayInWords(since)}; the job ${report.name} has it again. Nothing is to be done. Look: afk logs --event source_failed --since ${since}`,
        occurrence: since,
        ...about,
      });
    }
  }
}

/** The same place may be named twice; it is down as long as one of them fails. */
function worstOfEach(sources: readonly SourceReport[]): SourceReport[] {
  const byId = new Map<string, SourceReport>();
  for (const source of sources) {
    const known = byId.get(source.id);
    if (known === undefined || known.error === null) byId.set(source.id, source);
  }
  return [...byId.values()];
}
