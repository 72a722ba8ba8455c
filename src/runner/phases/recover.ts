import { recoverJobs } from "../../queue/recover.ts";
import { type Kill, Killed } from "../../rails/halt.ts";
import { announceKill } from "../../rails/kill.ts";
import { runnersOf } from "../../rails/machine.ts";
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

type Recovering = Uses<"rails" | "store" | "outbox" | "sender" | "config" | "clock" | "randomness" | "log">;

/** Settles the calls and brings back the jobs of runners that ended without doing so; `running` are those that this one has not left. */
export async function recover(
  dependencies: Recovering,
  by: WorkIds & { running?: ReadonlySet<string> },
): Promise<void> {
  const calls = await recoverCalls(dependencies.rails, by.runner);
  const jobs = await bringBack(dependencies, by);
  if (jobs + calls.unknown + calls.released > 0) dependencies.log.event("warn", "recovered", { jobs, calls });
}

/** Brings back jobs alone, beside a tick or between two: in a fleet others leave theirs at any time. */
export async function recoverLeft(
  dependencies: Recovering,
  by: { runner: string; tick: null },
): Promise<void> {
  const jobs = await bringBack(dependencies, by);
  if (jobs > 0) dependencies.log.event("warn", "recovered", { jobs, calls: { unknown: 0, released: 0 } });
}

async function bringBack(
  dependencies: Recovering,
  { runner, tick, running }: { runner: string; tick: string | null; running?: ReadonlySet<string> },
): Promise<number> {
  const { rails, store, outbox, config, clock, randomness } = dependencies;
  const former = rails.machine === null ? null : runnersOf(rails.machine.id, "worker");
  const retry = (name: string) => retryOf(config, name);
  const by = { runner, former, tick, retryOf: retry, ...(running && { running }) };
  return await store.atomically(async (trx) => {
    const { count, dead } = await recoverJobs(trx, outbox.announce, by, clock.nowMs(), randomness);
    for (const { job, error } of dead) await saveDeath(dependencies, trx, job, error);
    return count;
  });
}
