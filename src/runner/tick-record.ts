import type { TicksTable } from "../store/schema.ts";
import type { Parts } from "./parts.ts";

export type TickOutcome = Exclude<TicksTable["outcome"], "running" | "crashed">;

/** A finished tick as the database keeps it. Instants in epoch milliseconds, money in micro-dollars. */
export interface TickRecord {
  tick: string;
  startedAt: number;
  finishedAt: number;
  outcome: TickOutcome;
  reason: string | null;
  units: number;
  costMicros: number;
  nextDueAt: number | null;
}

/**
 * Writes that a tick began. The caller holds the lock, so an earlier one that still says "running" has crashed.
 * @returns true when there was such a one.
 */
export async function beginTick(parts: Parts, id: string, byHand: boolean): Promise<boolean> {
  const nowMs = parts.clock.nowMs();
  return await parts.store.transaction(async (trx) => {
    const crashed = await trx
      .updateTable("ticks")
      .set({ outcome: "crashed", finished_at: nowMs, reason: "the process ended before the tick did" })
      .where("outcome", "=", "running")
      .executeTakeFirst();
    await trx
      .insertInto("ticks")
      .values({
        id,
        started_at: nowMs,
        finished_at: null,
        outcome: "running",
        reason: null,
        units: 0,
        cost_micros: 0,
        by_hand: byHand ? 1 : 0,
        next_due_at: null,
        version: parts.version,
      })
      .execute();
    return crashed.numUpdatedRows > 0n;
  });
}

/** Writes how it ended and what its calls cost; calls that are unknown count at their worst case. */
export async function endTick(
  parts: Parts,
  id: string,
  end: { outcome: TickOutcome; reason: string | null; units: number; nextDueAt: number | null },
): Promise<TickRecord> {
  const finishedAt = parts.clock.nowMs();
  const reason = end.reason === null ? null : parts.outbox.redact(end.reason).slice(0, 2_000);
  return await parts.store.transaction(async (trx) => {
    const cost = await trx
      .selectFrom("ledger")
      .select((eb) => eb.fn.sum<number>(eb.fn.coalesce("cost_micros", "estimate_micros")).as("micros"))
      .where("tick", "=", id)
      .where("state", "in", ["settled", "unknown", "sending"])
      .executeTakeFirst();
    const costMicros = Number(cost?.micros ?? 0);
    const row = await trx
      .updateTable("ticks")
      .set({
        finished_at: finishedAt,
        outcome: end.outcome,
        reason,
        units: end.units,
        cost_micros: costMicros,
        next_due_at: end.nextDueAt,
      })
      .where("id", "=", id)
      .returning("started_at")
      .executeTakeFirstOrThrow();
    const { outcome, units, nextDueAt } = end;
    return { tick: id, startedAt: row.started_at, finishedAt, outcome, reason, units, costMicros, nextDueAt };
  });
}
