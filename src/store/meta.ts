import type { EndedTick } from "./schema/evidence.ts";
import type { Db, Trx } from "./schema.ts";

/** Single values that belong to no table of their own. */
type MetaKey =
  | "generation"
  | "counters_checked_at"
  | "stop_pinged_at"
  | "ping_failed_at"
  | "value_seen_up_to"
  | "retained_at"
  // When `afk run` last began, 0 once ticks come from elsewhere; and when it ended in order, 0 until it does.
  | "run_began_at"
  | "run_ended_at"
  // The same of each machine of a fleet.
  | `run_${"began" | "ended"}_at_${string}`
  // In a fleet's database: when the move into it began, while that has not ended and after it; and that it was moved away.
  | "moving_in_at"
  | "moved_in_at"
  | "moved_away_at"
  | ForgottenKey
  /** How far retention has got in a table, in a pass that was not finished. */
  | `sweep_${SweepName}`;

/** The parts of retention. */
export type SweepName =
  | "memory"
  | "messages"
  | "questions"
  | "grants"
  | "wrongCodes"
  | "ledger"
  | "steps"
  | "answers"
  | "drafts"
  | "results"
  | "jobs"
  | "alerts"
  | "ticks"
  | "seen"
  | "pages"
  | "breakers"
  | "printed";

/** What retention has removed, in numbers that are read with every look: the sums by day would have to be added up. */
type ForgottenKey =
  | "forgotten_jobs_done"
  | "forgotten_deliveries_failed"
  | "forgotten_slot_at"
  | `forgotten_ticks_${EndedTick}`;

/** When a run began and ended: the agent's, or of one machine of a fleet. */
export function runKeys(machine: string | null): { began: MetaKey; ended: MetaKey } {
  if (machine === null) return { began: "run_began_at", ended: "run_ended_at" };
  return { began: `run_began_at_${machine}`, ended: `run_ended_at_${machine}` };
}

/** A value; what is not there is 0. */
export async function readMeta(db: Db, key: MetaKey): Promise<number> {
  const row = await db.selectFrom("meta").select("value").where("key", "=", key).executeTakeFirst();
  return row?.value ?? 0;
}

/** Sets a value. */
export async function writeMeta(trx: Trx, key: MetaKey, value: number): Promise<void> {
  await trx
    .insertInto("meta")
    .values({ key, value })
    .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
    .execute();
}

/** Adds to a value; what is not there counts as 0. */
export async function addToMeta(trx: Trx, key: ForgottenKey, by: number): Promise<void> {
  if (by === 0) return;
  await trx
    .insertInto("meta")
    .values({ key, value: by })
    .onConflict((conflict) =>
      conflict.column("key").doUpdateSet((eb) => ({ value: eb("meta.value", "+", by) })),
    )
    .execute();
}
