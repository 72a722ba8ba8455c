import { recoverJobs } from "../../queue/recover.ts";
import { type Kill, Killed } from "../../rails/halt.ts";
import { announceKill } from "../../rails/kill.ts";
import { recoverCalls } from "../../rails/recover.ts";
import type { Uses, WorkIds } from "../dependencies.ts";
import { retryOf, saveDeath } from "../job/record-end.ts";
import type { PhaseResult } from "./result.ts";

/** Says that the kill switch was found set. */
export async function reportKill(
  { store, outbox, log }: Uses<"store" | "outbox" | "log">,
  kill: Kill,
): Promise<PhaseResult> {
  await store.atomically((trx) => announceKill(trx, outbox.announce, kill));
  log.event("warn", "kill_seen", { by: kill.by, reason: kill.reason });
  return { wasStopped: true, verdict: { outcome: "halted", reason: new Killed(kill).message } };
}

/** Settles the calls and brings back the jobs of runners that ended without doing so. */
export async function recover(
  dependencies: Uses<"rails" | "store" | "outbox" | "sender" | "config" | "clock" | "randomness" | "log">,
  { runner, tick }: WorkIds,
): Promise<void> {
  const { rails, store, outbox, config, clock, randomness, log } = dependencies;
  const calls = await recoverCalls(rails, runner);
  const by = { runner, tick, retryOf: (name: string) => retryOf(config, name) };
  const jobs = await store.atomically(async (trx) => {
    const { count, dead } = await recoverJobs(trx, outbox.announce, by, clock.nowMs(), randomness);
    for (const { job, error } of dead) await saveDeath(dependencies, trx, job, error);
    return count;
  });
  if (jobs + calls.unknown + calls.released > 0) log.event("warn", "recovered", { jobs, calls });
}
