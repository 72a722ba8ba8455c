import type { JobConfig } from "../../config/config.ts";
import { quietUntil } from "../../delivery/quiet-hours.ts";
import { readReport } from "../../delivery/read-report.ts";
import { saveResult } from "../../delivery/results.ts";
import { systemClock } from "../../lib/clock.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { messageOf } from "../../lib/errors.ts";
import type { JobRow } from "../../queue/job.ts";
import { afterCommit } from "../../store/store.ts";
import type { Progress, Uses } from "../dependencies.ts";

type ProgressDependencies = Uses<"store" | "outbox" | "sender" | "clock" | "config" | "log" | "onProgress">;

/**
 * Follows how far a run is, and writes it down for its receivers as often as `progress` of its entry says; not at all without.
 * What is said in quiet hours is not said afterwards: it is old by then.
 */
export function tellProgress(dependencies: ProgressDependencies, job: JobRow, entry: JobConfig) {
  const { log } = dependencies;
  const done = new AbortController();
  const startedMs = systemClock.uptimeMs();
  let last: Progress | null = null;
  const tell = async (everyMs: number) => {
    while (!done.signal.aborted) {
      await systemClock.sleep(everyMs, done.signal).catch(() => undefined);
      if (done.signal.aborted) return;
      try {
        await save(dependencies, job, entry, textOf(last, systemClock.uptimeMs() - startedMs));
      } catch (error) {
        // The run goes on, and what it comes to is saved by itself.
        log.event("warn", "delivery_delayed", { name: job.name, error: messageOf(error) });
      }
    }
  };
  const { progressMs } = entry;
  const telling = progressMs === null ? Promise.resolve() : tell(progressMs);
  return {
    onProgress(progress: Progress) {
      last = progress;
      dependencies.onProgress?.(progress);
    },
    /** Nothing is written down once this has resolved. */
    async end() {
      done.abort();
      await telling;
    },
  };
}

function textOf(last: Progress | null, elapsedMs: number): { title: string; text: string } {
  // Timers fire up to a millisecond early.
  const since = `running for ${formatDuration(Math.round(elapsedMs / 1_000) * 1_000)}`;
  if (last === null || last.total === 0) return { title: since, text: "" };
  return { title: `${last.done} of ${last.total} done, ${since}`, text: last.label };
}

async function save(
  { store, outbox, sender, clock, config: { timezone } }: ProgressDependencies,
  job: JobRow,
  { deliver }: JobConfig,
  report: { title: string; text: string },
): Promise<void> {
  const nowMs = clock.nowMs();
  const told = readReport(report, outbox.redact);
  if (typeof told === "string") throw new Error(`afk bug: a report on progress is none (${told})`);
  const receivers = deliver.filter(
    ({ quietHours }) => quietHours === null || quietUntil(quietHours, timezone, nowMs) === null,
  );
  const kept = { run: job, outcome: "progress", told, receivers, timezone, nowMs } as const;
  await store.atomically(async (trx) => {
    if ((await saveResult(trx, kept)) > 0) afterCommit(trx, sender.wake);
  });
}
