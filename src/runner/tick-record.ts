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
  dependencies: Uses<"store" | "rails" | "clock" | "randomness" | "config" | "version">,
  byHand: boolean,
): Promise<{ tick: string; isAfterCrash: boolean }> {
  const { store, rails, clock, randomness, config, version } = dependencies;
  const nowMs = clock.nowMs();
  const id = newId(nowMs, randomness);
  const machine = rails.machine?.id ?? null;
  const begins = { id, started_at: nowMs, by_hand: byHand ? 1 : 0, version, machine };
  const nothingYet = { finished_at: null, reason: null, units: 0, cost_micros: 0, next_due_at: null };
  const begun = await store.atomically(async (trx) => {
    const crashed = await trx
      .updateTable("ticks")
      .set({ outcome: "crashed", finished_at: nowMs, reason: "the process ended before the tick did" })
      .where("outcome", "=", "running")
      // Of another machine's tick this one's lock says nothing.
      .$if(machine !== null, (query) => query.where("machine", "=", machine))
      .executeTakeFirst();
    await trx
      .insertInto("ticks")
      .values({ ...begins, ...nothingYet, outcome: "running" })
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
  end: Pick<TickRecord, "outcome" | "reason" | "units" | "nextDueAt">,
): Promise<TickRecord> {
  const finishedAt = clock.nowMs();
  const reason = end.reason === null ? null : outbox.redact(end.reason).slice(0, 2_000);
  const { outcome, units, nextDueAt } = end;
  const { generation, ...known } = await store.atomically(async (trx) => {
    const cost = await trx
      .selectFrom("ledger")
      .select((eb) => eb.fn.sum<number>(eb.fn.coalesce("cost_micros", "estimate_micros")).as("micros"))
      .where("tick", "=", id)
      .where("state", "in", ["settled", "unknown", "sending"])
      .executeTakeFirst();
    const costMicros = Number(cost?.micros ?? 0);
    const columns = { finished_at: finishedAt, cost_micros: costMicros, next_due_at: nextDueAt };
    const { started_at: startedAt } = await trx
      .updateTable("ticks")
      .set({ ...columns, outcome, reason, units })
      .where("id", "=", id)
      .returning("started_at")
      .executeTakeFirstOrThrow();
    const isIdle = outcome === "idle" && costMicros === 0;
    return { startedAt, costMicros, generation: isIdle ? null : await nextGeneration(trx) };
  });
  if (generation !== null) await keepMark(config.paths.highWater, generation);
  return { tick: id, ...known, finishedAt, outcome, reason, units, nextDueAt };
}
