import { newId } from "../lib/ids.ts";
import { keepMark, nextGeneration } from "../ops/high-water.ts";
import type { TicksTable } from "../store/schema/evidence.ts";
import type { Uses, Writing } from "./dependencies.ts";

/** How a tick can end. */
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
 * Writes that a tick began, and the next generation with it. The caller holds the lock, so an earlier tick that still says
 * "running" has crashed.
 */
export async function beginTick(
  {
    store,
    clock,
    randomness,
    config,
    version,
  }: Uses<"store" | "clock" | "randomness" | "config" | "version">,
  byHand: boolean,
): Promise<{ tick: string; isAfterCrash: boolean }> {
  const nowMs = clock.nowMs();
  const id = newId(nowMs, randomness);
  const begun = await store.atomically(async (trx) => {
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
        version,
      })
      .execute();
    return { isAfterCrash: crashed.numUpdatedRows > 0n, generation: await nextGeneration(trx) };
  });
  await keepMark(config.paths.highWater, begun.generation);
  return { tick: id, isAfterCrash: begun.isAfterCrash };
}

/**
 * Writes how it ended and what its calls cost; calls that are unknown count at their worst case. A tick that did anything
 * ends a generation. One that was idle spent nothing that an older copy could have forgotten: the generation that it
 * began stands for it.
 */
export async function endTick(
  { store, clock, outbox, config }: Writing,
  id: string,
  end: { outcome: TickOutcome; reason: string | null; units: number; nextDueAt: number | null },
): Promise<TickRecord> {
  const finishedAt = clock.nowMs();
  const reason = end.reason === null ? null : outbox.redact(end.reason).slice(0, 2_000);
  const ended = await store.atomically(async (trx) => {
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
  if (ended.generation !== null) await keepMark(config.paths.highWater, ended.generation);
  return ended.record;
}
