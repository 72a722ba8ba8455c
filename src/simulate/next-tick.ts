import type { Reader } from "../faults/oracles/reader.ts";
import { HOUR_MS, MINUTE_MS } from "../lib/durations.ts";

/** The timer fires every 5 minutes by the wall clock, as the units that afk ships do. */
const EVERY_MS = 5 * MINUTE_MS;
/** A tick with nothing to do is passed over, but for one an hour. */
const IDLE_MAX_MS = HOUR_MS;
const HALTED_MS = 30 * MINUTE_MS;

/**
 * How long until the next tick of the timer that has something to do, and how many others come before it. What is due is
 * read from the reader, and not asked of the agent.
 */
export function nextTick(reader: Reader | null, wallMs: number): { afterMs: number; idle: number } {
  const firstMs = EVERY_MS - (((wallMs % EVERY_MS) + EVERY_MS) % EVERY_MS);
  const dueMs = reader === null ? null : earliest(reader, wallMs);
  if (dueMs === null || dueMs <= wallMs + firstMs) return { afterMs: firstMs, idle: 0 };
  const idle = Math.min(Math.ceil((dueMs - wallMs - firstMs) / EVERY_MS), IDLE_MAX_MS / EVERY_MS - 1);
  return { afterMs: firstMs + idle * EVERY_MS, idle };
}

/** The earliest thing that waits for its time; null for nothing, as after a crash, when it is best to look. */
function earliest(reader: Reader, wallMs: number): number | null {
  const last = reader.one<{ outcome: string; isCrashed: number; at: number | null }>(
    `select outcome, exists (select 1 from ticks where outcome = 'running') as isCrashed,
       (select min(at) from (
         select next_due_at as at from ticks where started_at = (select max(started_at) from ticks)
         union all select run_at from jobs where state in ('ready', 'running')
         union all select next_at from alert_deliveries where state = 'pending')) as at
     from ticks order by started_at desc limit 1`,
  );
  if (last === undefined || last.isCrashed === 1 || last.at === null) return null;
  // What a rail has halted is due all the time; it is tried twice an hour.
  return last.outcome === "halted" ? Math.max(last.at, wallMs + HALTED_MS) : last.at;
}
