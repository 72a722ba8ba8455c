import { sql } from "kysely";
import { addToMeta } from "../../store/meta.ts";
import type { Trx } from "../../store/schema.ts";
import type { EndedTick, TickDaysTable } from "../../store/schema-retention.ts";
import { createDayStarts } from "./day-starts.ts";
import { type Ages, idAt, nextAfter, ROWS, type Sweep, type Swept } from "./sweep.ts";

/**
 * Rolls up old ticks by day and outcome. The newest stay whatever their age, for an agent that seldom runs, and so do the
 * newest that had work, by which the watchdog knows when there last was output.
 */
export const ticksSweep: Sweep = {
  name: "ticks",
  key: "sweep_ticks",
  async step(trx, ages, after): Promise<Swept> {
    const ticks = await trx
      .selectFrom("ticks")
      .select(["id", "started_at", "outcome", "by_hand", "units"])
      .where("id", ">", after)
      .where("id", "<", idAt(ages.historyMs))
      .orderBy("id")
      .limit(ROWS)
      .execute();
    const old = ticks.flatMap((tick) =>
      tick.outcome !== "running" && mayGo(tick.id, tick.outcome, ages)
        ? [{ ...tick, outcome: tick.outcome }]
        : [],
    );
    if (old.length > 0) {
      await addToDays(trx, old, ages.timezone);
      const ids = JSON.stringify(old.map(({ id }) => id));
      await trx
        .deleteFrom("ticks")
        .where(sql<boolean>`id in (select value from json_each(${ids}))`)
        .execute();
    }
    return { removed: old.length, next: nextAfter(ticks) };
  },
};

function mayGo(id: string, outcome: EndedTick, { ticksFrom }: Ages): boolean {
  const hadWork = WORKED.some((each) => each === outcome);
  return id < ticksFrom.any && !(hadWork && id >= ticksFrom.worked);
}

/** The outcomes of ticks that had something to do. */
export const WORKED = ["ok", "failed", "crashed"] as const;

type OldTick = Omit<TickDaysTable, "first_at" | "ticks"> & { started_at: number };

async function addToDays(trx: Trx, ticks: readonly OldTick[], timezone: string): Promise<void> {
  const dayStart = createDayStarts(timezone);
  const days = new Map<string, TickDaysTable>();
  for (const { started_at, outcome, by_hand, units } of ticks) {
    const first_at = dayStart(started_at);
    const key = `${first_at} ${outcome}`;
    const sum = days.get(key) ?? { first_at, outcome, ticks: 0, by_hand: 0, units: 0 };
    sum.ticks += 1;
    sum.by_hand += by_hand;
    sum.units += units;
    days.set(key, sum);
  }
  for (const day of days.values()) {
    await trx
      .insertInto("tick_days")
      .values(day)
      .onConflict((conflict) =>
        conflict.columns(["first_at", "outcome"]).doUpdateSet((eb) => ({
          ticks: eb("tick_days.ticks", "+", day.ticks),
          by_hand: eb("tick_days.by_hand", "+", day.by_hand),
          units: eb("tick_days.units", "+", day.units),
        })),
      )
      .execute();
    await addToMeta(trx, `forgotten_ticks_${day.outcome}`, day.ticks);
  }
}
