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
import type { Uses, WorkIds } from "../dependencies.ts";

/** Longer than a tick waits for a retry. */
const AGAIN_MS = 5 * MINUTE_MS;

/** Something that an earlier run of the job started cannot be killed, so the job is not started beside it. */
class StillRunning extends AfkError {
  constructor(job: string) {
    const message = `what an earlier run of ${job} started is still there and cannot be killed; it starts again when that is gone`;
    super("still_running", message, { retry: { afterMs: AGAIN_MS }, exitCode: EXIT.unavailable });
  }
}

/** Kills what programs of earlier runners have left: they died without doing so. Also where the kill switch is set. */
export async function endProcessesOfOthers(
  dependencies: Uses<"store" | "rails" | "outbox" | "log">,
  { tick, runner }: WorkIds,
): Promise<void> {
  const { store, rails } = dependencies;
  const of = { notOf: runner, machine: rails.machine?.id ?? null };
  await report(dependencies, tick, await endRecorded(store.db, of));
}

/**
 * Where a job's programs are written down. Before the first of them starts, what earlier runs of the job have left is killed,
 * so that there is never a second copy beside a first; where that does not work, it is refused.
 */
export function processRecords(
  { store, rails, outbox }: Uses<"store" | "rails" | "outbox">,
  { job, tick, runner, log }: WorkIds & { job: JobRow; log: Log },
): ProcessRecords {
  const { db } = store;
  const machine = rails.machine?.id ?? null;
  const records = createRecords(db, { job: job.name, runner, machine });
  let cleared: Promise<void> | undefined;
  const clear = async () => {
    const ended = await endRecorded(db, { job: job.name, machine });
    await report({ store, outbox, log }, tick, ended);
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

async function report(
  { store, outbox, log }: Uses<"store" | "outbox" | "log">,
  tick: string,
  ended: readonly Ended[],
): Promise<void> {
  for (const { id, job, containment, found, left } of ended) {
    log.event("warn", "processes_ended", { name: job, containment, found, left });
    if (left === 0) continue;
    const message = `${asSentence(new StillRunning(job).message)} ${left} of ${found} processes are left; look: ps -ef`;
    await store.atomically((trx) =>
      outbox.announce(trx, {
        event: "process_left",
        title: `A program of ${job} cannot be ended`,
        message,
        subject: "",
        occurrence: id,
        tick,
      }),
    );
  }
}
