import { sql } from "kysely";
import type { Db } from "../../store/schema.ts";
import type { Span } from "./read-money.ts";

/** Ticks by how they ended. */
export interface TickSums {
  ticks: number;
  /** Work was done. */
  ok: number;
  /** There was none. */
  idle: number;
  /** A rail stopped it on purpose. */
  halted: number;
  failed: number;
  crashed: number;
  running: number;
  /** Begun by a person. */
  byHand: number;
}

export const NO_TICKS: TickSums = {
  ticks: 0,
  ok: 0,
  idle: 0,
  halted: 0,
  failed: 0,
  crashed: 0,
  running: 0,
  byHand: 0,
};

/** The ticks that began in a span; those that retention has rolled up by the day they began on. */
export async function readTicks(db: Db, { fromMs, untilMs }: Span): Promise<TickSums> {
  const { rows } = await sql<{ outcome: keyof TickSums; count: number; by_hand: number }>`
    select outcome, sum(ticks) as count, sum(by_hand) as by_hand from (
      select outcome, count(*) as ticks, sum(by_hand) as by_hand from ticks
      where started_at >= ${fromMs} and started_at < ${untilMs} group by outcome
      union all
      select outcome, ticks, by_hand from tick_days where first_at >= ${fromMs} and first_at < ${untilMs}
    ) as begun group by outcome`.execute(db);
  const sums = { ...NO_TICKS };
  for (const row of rows) {
    sums[row.outcome] += Number(row.count);
    sums.ticks += Number(row.count);
    sums.byHand += Number(row.by_hand);
  }
  return sums;
}

export function addTicks(a: TickSums, b: TickSums): TickSums {
  const names = Object.keys(a) as (keyof TickSums)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as TickSums;
}

/**
 * The share of ticks that went well, 0 to 1, of those that went well or badly: one that a rail stopped on purpose is
 * neither. Null where there is none.
 */
export function successRate({ ok, idle, failed, crashed }: TickSums): number | null {
  const ended = ok + idle + failed + crashed;
  return ended === 0 ? null : (ok + idle) / ended;
}
