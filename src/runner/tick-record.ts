import { keepMark, nextGeneration } from "../ops/high-water.ts";
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
 * Writes that a tick began, in the same transaction as the next generation: each is a wait for the disk less. The caller
 * holds the lock, so an earlier one that still says "running" has crashed.
 * @returns true when there was such a one.
 */
export async function beginTick(parts: Parts, id: string, byHand: boolean): Promise<boolean> {
  const nowMs = parts.clock.nowMs();
  const begun = await parts.store.atomically(async (trx) => {
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
    return { isAfterCrash: crashed.numUpdatedRows > 0n, generation: await nextGeneration(trx) };
  });
  await keepMark(parts.config.paths.highWater, begun.generation);
  return begun.isAfterCrash;
}

/**
 * Writes how it ended and what its calls cost; calls that are unknown count at their worst case. A tick that did anything
 * ends a generation. One that was idle spent nothing that an older copy could have forgotten: the generation that it
 * began stands for it.
 */
export async function endTick(
  parts: Parts,
  id: string,
  end: { outcome: TickOutcome; reason: string | null; units: number; nextDueAt: number | null },
): Promise<TickRecord> {
  const finishedAt = parts.clock.nowMs();
  const reason = end.reason === null ? null : parts.outbox.redact(end.reason).slice(0, 2_000);
  const ended = await parts.store.atomically(async (trx) => {
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
    const generation = outcome === "idle" && costMicros === 0 ? null : await nextGeneration(trx);
    const record = { tick: id, startedAt: row.started_at, finishedAt, outcome, reason };
    return { generation, record: { ...record, units, costMicros, nextDueAt } };
  });
  if (ended.generation !== null) await keepMark(parts.config.paths.highWater, ended.generation);
  return ended.record;
}
