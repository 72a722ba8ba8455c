import {
  createRecords,
  type Ended,
  endRecorded,
  type ProcessRecords,
} from "../../jobs/containment/records.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { asSentence } from "../../lib/text.ts";
import type { JobRow } from "../../queue/job.ts";
import type { Parts } from "../parts.ts";

/** Longer than a tick waits for a retry. */
const AGAIN_MS = 5 * MINUTE_MS;

/** Something that an earlier run of the job started cannot be killed, so the job is not started beside it. */
class StillRunning extends AfkError {
  constructor(job: string) {
    super(
      "still_running",
      `what an earlier run of ${job} started is still there and cannot be killed; it starts again when that is gone`,
      { retry: { afterMs: AGAIN_MS }, exitCode: EXIT.unavailable },
    );
  }
}

/** Kills what programs of earlier runners have left: they died without doing so. Also where the kill switch is set. */
export async function endProcessesOfOthers(parts: Parts, log: Log, ids: { tick: string; runner: string }) {
  await report(parts, log, ids.tick, await endRecorded(parts.store.db, { notOf: ids.runner }));
}

/**
 * Where a job's programs are written down. Before the first of them starts, what earlier runs of the job have left is killed,
 * so that there is never a second copy beside a first; where that does not work, it is refused.
 */
export function processRecords(
  parts: Parts,
  { job, tick, runner, log }: { job: JobRow; tick: string; runner: string; log: Log },
): ProcessRecords {
  const { db } = parts.store;
  const records = createRecords(db, { job: job.name, runner });
  let cleared: Promise<void> | undefined;
  const clear = async () => {
    const ended = await endRecorded(db, { job: job.name });
    await report(parts, log, tick, ended);
    if (ended.some(({ left }) => left > 0)) throw new StillRunning(job.name);
  };
  return {
    async write(first) {
      cleared ??= clear();
      await cleared;
      return await records.write(first);
    },
  };
}

async function report(parts: Parts, log: Log, tick: string, ended: readonly Ended[]): Promise<void> {
  for (const { id, job, containment, found, left } of ended) {
    log.event("warn", "processes_ended", { name: job, containment, found, left });
    if (left === 0) continue;
    const message = `${asSentence(new StillRunning(job).message)} ${left} of ${found} processes are left; look: ps -ef`;
    await parts.store.atomically((trx) =>
      parts.outbox.announce(trx, {
        event: "process_left",
        title: `A program of ${job} cannot be ended`,
        message,
        key: `process_left:${id}`,
        tick,
      }),
    );
  }
}
