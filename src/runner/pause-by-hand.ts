import { listPauses, pauseJob, unpauseJob } from "../queue/pause.ts";
import type { Uses } from "./dependencies.ts";
import { jobNamed } from "./phases/enqueue-due.ts";

type PauseDependencies = Uses<"store" | "outbox" | "config" | "clock" | "log">;

/** Puts a job of afk.yaml off at the keyboard. @throws AfkError `unknown_job` */
export async function pauseByHand(
  { store, outbox, config, clock, log }: PauseDependencies,
  name: string,
  reason: string | null,
): Promise<{ wasPaused: boolean }> {
  const { name: job } = jobNamed(config.jobs, name);
  const pause = { job, by: "keyboard", reason: reason === null ? null : outbox.redact(reason) };
  const added = await store.atomically((trx) => pauseJob(trx, pause, clock.nowMs()));
  if (added) log.event("warn", "job_paused", { name: job, by: pause.by, reason });
  return { wasPaused: !added };
}

/**
 * Ends every pause of a job but that of afk.yaml, which is told of; one that afk.yaml has no more may have been paused before.
 * @throws AfkError `unknown_job`
 */
export async function unpauseByHand(
  { store, config, log }: PauseDependencies,
  name: string,
): Promise<{ wasPaused: boolean; isByFile: boolean }> {
  const known = (await listPauses(store.db)).some(({ job_name }) => job_name === name);
  if (!known) jobNamed(config.jobs, name);
  const ended = await store.atomically((trx) => unpauseJob(trx, name));
  if (ended > 0) log.event("warn", "job_unpaused", { name });
  return { wasPaused: ended > 0, isByFile: config.jobs.some((job) => job.name === name && job.isPaused) };
}
