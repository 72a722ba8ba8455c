import { addToMeta } from "../../store/meta.ts";
import type { EndedTick, TickDaysTable } from "../../store/schema/evidence.ts";
import type { Trx } from "../../store/schema.ts";
import { type Ages, addAmounts, idAt, nextAfter, ROWS, type Sweep, type Swept, startOfDay } from "./sweep.ts";

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
      for (const tick of old) await addToDay(trx, tick, ages.timezone);
      await trx
        .deleteFrom("ticks")
        .where(
          "id",
          "in",
          old.map(({ id }) => id),
        )
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

async function addToDay(trx: Trx, tick: OldTick, timezone: string): Promise<void> {
  const { started_at, outcome, by_hand, units } = tick;
  const first_at = startOfDay(started_at, timezone);
  await addAmounts(trx, "tick_days", { first_at, outcome }, { ticks: 1, by_hand, units });
  await addToMeta(trx, `forgotten_ticks_${outcome}`, 1);
}
