import type { Selectable } from "kysely";
import type { Config } from "../config/config.ts";
import type { Kill } from "../rails/halt.ts";
import { readKill } from "../rails/kill.ts";
import type { TicksTable } from "../store/schema/evidence.ts";
import type { Db } from "../store/schema.ts";
import { latestTicks } from "./history.ts";
import { type Late, lateHeartbeat } from "./watchdog/heartbeat.ts";
import type { WorkerObservation } from "./worker.ts";

/** What the agent's state amounts to. */
interface Condition {
  kill: Kill | null;
  /** Why work is not done as it should be; a stopped agent does none on purpose. */
  late: Late | null;
  lastTick: Selectable<TicksTable> | undefined;
  /** Why the agent is not fit to work, in sentences; none while it is. */
  problems: string[];
}

/**
 * Judges it, for status, health, watchdog, doctor, page and metrics alike, so that they cannot differ.
 * @param observed the worker, as it was observed before `db` began to show one moment.
 */
export async function readCondition(
  { config, db }: { config: Config; db: Db },
  observed: WorkerObservation,
): Promise<Condition> {
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
export function healthOf({ problems }: Condition): Health {
  return { isHealthy: problems.length === 0, problems };
}
