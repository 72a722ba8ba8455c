import type { Config } from "../config/config.ts";
import type { Clock } from "../lib/clock.ts";
import { readKill } from "../rails/kill.ts";
import type { Db } from "../store/schema.ts";
import { latestTicks } from "./history.ts";
import { lateHeartbeat } from "./watchdog/heartbeat.ts";
import { lookNow, type WorkerLook } from "./worker.ts";

export interface Health {
  isHealthy: boolean;
  problems: string[];
}

/**
 * Whether the agent is fit to work: its state can be read, its last tick did not fail, its worker is there and no tick late,
 * as the watchdog sees it. A set kill switch is not ill health: a container must not be restarted for obeying it. `look` is
 * what was asked before `db` began to show one moment.
 */
export async function checkHealth(
  config: Config,
  db: Db,
  clock: Clock,
  look: WorkerLook = lookNow(config, clock),
): Promise<Health> {
  const problems: string[] = [];
  const isStopped = (await readKill(db, config.paths.stopFile)) !== null;
  const late = isStopped ? null : await lateHeartbeat({ config, db, ...look });
  if (late !== null) problems.push(late.problem);
  const [last] = await latestTicks(db, look.nowMs, 1);
  if (last?.outcome === "failed")
    problems.push(`the last tick failed: ${last.reason ?? "for no stated reason"}`);
  return { isHealthy: problems.length === 0, problems };
}
