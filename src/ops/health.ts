import type { Selectable } from "kysely";
import type { Config } from "../config/config.ts";
import { type Clock, toIso } from "../lib/clock.ts";
import type { Db, TicksTable } from "../store/schema.ts";

export interface Health {
  isHealthy: boolean;
  problems: string[];
}

/** A tick claims no further job after 50 minutes; the rest is for what it does besides. */
const TICK_MAX_MS = 60 * 60_000;

/**
 * Whether the agent is fit to work: its state can be read, its last tick did not fail, and the next one is no later
 * than planned plus the grace of `heartbeat.grace`. A set kill switch is not ill health: a container must not be
 * restarted for obeying it.
 */
export async function checkHealth(config: Config, db: Db, clock: Clock): Promise<Health> {
  const last = await db
    .selectFrom("ticks")
    .selectAll()
    .orderBy("started_at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  const problems = last === undefined ? [] : problemsOf(last, config, clock.nowMs());
  return { isHealthy: problems.length === 0, problems };
}

function problemsOf(tick: Selectable<TicksTable>, config: Config, nowMs: number): string[] {
  const problems: string[] = [];
  const { graceMs } = config.heartbeat;
  if (tick.outcome === "running") {
    // It has no next time yet. Its last job may have been claimed at the end, and then has its own limit.
    const jobMaxMs = Math.max(0, ...config.jobs.map((job) => job.timeoutMs));
    if (nowMs > tick.started_at + TICK_MAX_MS + jobMaxMs + graceMs) {
      problems.push(
        `the tick that began at ${toIso(tick.started_at)} has not ended: its process has died or hangs`,
      );
    }
  }
  if (tick.next_due_at !== null && nowMs > tick.next_due_at + graceMs) {
    problems.push(
      `the last tick was at ${toIso(tick.started_at)}, and the next was due at ${toIso(tick.next_due_at)}: is the timer running?`,
    );
  }
  if (tick.outcome === "failed")
    problems.push(`the last tick failed: ${tick.reason ?? "for no stated reason"}`);
  return problems;
}
