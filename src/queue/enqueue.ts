import { type RawBuilder, sql } from "kysely";
import { newId } from "../lib/ids.ts";
import { firstUnseen } from "../lib/visible.ts";
import type { Trx } from "../store/schema.ts";
import { PermanentFailure, UNCLAIMED } from "./job.ts";

/** A job to be added. */
export interface NewJob {
  /** Idempotency key: a second job with the same key is not added. */
  key: string;
  name: string;
  kind: string;
  /** JSON value; undefined is null. */
  payload: unknown;
  maxAttempts: number;
  /** The slot it runs for, and the label its outputs carry. */
  slotMs: number;
  label: string;
  byHand: boolean;
}

/**
 * Adds a job that is due at once. False when its key is known already, whatever became of that job: retention removes jobs
 * and not the keys that somebody gave them, and of scheduled ones it remembers the newest slot.
 */
export async function enqueue(trx: Trx, job: NewJob, nowMs: number): Promise<boolean> {
  const key = jobKey(job.key);
  const { name, kind, label, maxAttempts: max_attempts, slotMs: slot_at } = job;
  const payload = JSON.stringify(job.payload) ?? "null";
  const fresh = {
    state: "ready" as const,
    attempts: 0,
    token: 0,
    units: 0,
    error: null,
    waiting_since: null,
  };
  const times = { run_at: nowMs, created_at: nowMs, updated_at: nowMs };
  const given = { key, name, kind, label, payload, max_attempts, slot_at, by_hand: job.byHand ? 1 : 0 };
  const values = { id: newId(nowMs), ...given, ...fresh, ...UNCLAIMED, ...times };
  const columns = Object.keys(values) as (keyof typeof values)[];
  const row = sql.join(columns.map((name) => values[name]));
  const isForgotten = job.byHand ? sql`false` : isForgottenSlot(job.slotMs);
  const result = await trx
    .insertInto("jobs")
    .columns(columns)
    // In one statement: between a look and the insert, retention could remove the job that has the key.
    .expression(
      sql`select ${row} where not ${isForgotten}
        and not exists (select 1 from taken_names where kind = 'job' and name = ${key})`,
    )
    .onConflict((conflict) => conflict.column("key").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/**
 * A mark in the future was made under a clock that ran ahead, which a person has set right since (`afk resume --clock`):
 * it must not keep the schedules still until that day.
 */
function isForgottenSlot(slotMs: number): RawBuilder<unknown> {
  return sql`exists (
    select 1 from meta where key = 'forgotten_slot_at' and value >= ${slotMs}
      and value <= coalesce((select latest_at from budget_clock), value))`;
}

const KEY_LENGTH_MAX = 200;

/**
 * A job's key in the one form that is kept: two that differ in nothing that anybody sees are the same job.
 * @throws PermanentFailure for a key that holds what nobody sees, or is empty or too long.
 */
export function jobKey(given: string): string {
  const key = given.normalize("NFC");
  const bad = (wanted: string) => new PermanentFailure("bad_key", `a job's key is one line of ${wanted}`);
  const unseen = firstUnseen(key);
  if (unseen !== null) throw bad(`characters that are seen, and this one holds ${unseen}; leave that out`);
  if (key === "" || [...key].length > KEY_LENGTH_MAX) throw bad(`1 to ${KEY_LENGTH_MAX} characters`);
  return key;
}
