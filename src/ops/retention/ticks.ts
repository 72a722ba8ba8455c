import { addToMeta } from "../../store/meta.ts";
import type { EndedTick } from "../../store/schema/evidence.ts";
import { addAmounts, deleteRows, idAt, nextAfter, ROWS, type Sweep, startOfDay } from "./sweep.ts";

/** The outcomes of ticks that had something to do. */
export const WORKED = ["ok", "failed", "crashed"] as const;

/**
 * Rolls up old ticks by day and outcome. The newest stay whatever their age, for an agent that seldom runs, and so do the
 * newest that had work, by which the watchdog knows when there last was output.
 */
export const ticksSweep: Sweep = {
  name: "ticks",
  async step(trx, { historyMs, ticksFrom, timezone }, after) {
    const ticks = await trx
      .selectFrom("ticks")
      .select(["id", "started_at", "outcome", "by_hand", "units"])
      .where("outcome", "<>", "running")
      .$narrowType<{ outcome: EndedTick }>()
      .where("id", ">", after)
      .where("id", "<", idAt(historyMs))
      .orderBy("id")
      .limit(ROWS)
      .execute();
    const hadWork = (outcome: EndedTick) => WORKED.some((each) => each === outcome);
    const old = ticks.filter(
      ({ id, outcome }) => id < ticksFrom.any && !(hadWork(outcome) && id >= ticksFrom.worked),
    );
    for (const { started_at, outcome, by_hand, units } of old) {
      const first_at = startOfDay(started_at, timezone);
      await addAmounts(trx, "tick_days", { first_at, outcome }, { ticks: 1, by_hand, units });
      await addToMeta(trx, `forgotten_ticks_${outcome}`, 1);
    }
    return { removed: await deleteRows(trx, "ticks", old), next: nextAfter(ticks) };
  },
};
