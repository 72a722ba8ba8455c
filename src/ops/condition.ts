import type { Config } from "../config/config.ts";
import { readKill } from "../rails/kill.ts";
import type { Db } from "../store/schema.ts";
import { latestTicks } from "./history.ts";
import { lateHeartbeat } from "./watchdog/heartbeat.ts";
import type { WorkerObservation } from "./worker.ts";

/**
 * What the agent's state amounts to, for status, health, watchdog, doctor, page and metrics alike, so that they cannot differ.
 * @param observed the worker, as it was observed before `db` began to show one moment.
 * @returns in `late` why work is not done as it should be, which a stopped agent does not on purpose; in `problems` why the
 * agent is not fit to work, in sentences.
 */
export async function readCondition({ config, db }: { config: Config; db: Db }, observed: WorkerObservation) {
  const kill = await readKill(db, config.paths.stopFile);
  const late = kill === null ? await lateHeartbeat({ config, db, ...observed }) : null;
  const [lastTick] = await latestTicks(db, observed.nowMs, 1);
  const problems = late === null ? [] : [late.problem];
  if (lastTick?.outcome === "failed")
    problems.push(`the last tick failed: ${lastTick.reason ?? "for no stated reason"}`);
  return { kill, late, lastTick, problems };
}

/** What `afk health --json` prints. */
export interface Health {
  isHealthy: boolean;
  problems: string[];
}

/** A set kill switch is not ill health: a container must not be restarted for obeying it. */
export function healthOf({ problems }: { problems: string[] }): Health {
  return { isHealthy: problems.length === 0, problems };
}
