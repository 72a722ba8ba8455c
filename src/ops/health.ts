import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import type { Db } from "../store/schema.ts";

export interface Health {
  isHealthy: boolean;
  problems: string[];
}

/**
 * Whether the agent is fit to work: its state can be read, and its last tick is no later than planned plus the grace
 * of `heartbeat.grace`. A set kill switch is not ill health: a container must not be restarted for obeying it.
 */
export async function checkHealth(config: Config, db: Db, clock: Clock): Promise<Health> {
  const problems: string[] = [];
  const last = await db
    .selectFrom("ticks")
    .selectAll()
    .orderBy("started_at", "desc")
    .limit(1)
    .executeTakeFirst();
  const dueAt = last?.next_due_at;
  if (last !== undefined && dueAt != null && clock.nowMs() > dueAt + config.heartbeat.graceMs) {
    problems.push(
      `the last tick was at ${toIso(last.started_at)}, and the next was due at ${toIso(dueAt)}: is the timer running?`,
    );
  }
  if (last?.outcome === "failed")
    problems.push(`the last tick failed: ${last.reason ?? "for no stated reason"}`);
  return { isHealthy: problems.length === 0, problems };
}
