import { newId } from "../lib/ids.ts";
import type { Db } from "../store/schema.ts";
import { PermanentFailure } from "./job.ts";

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

/** The key is shown on every screen and is part of the ledger: it stays short and on one line. */
const KEY = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u;

/** Adds a job that is due at once. False when its key is known already, whatever became of that job. */
export async function enqueue(db: Db, job: NewJob, nowMs: number): Promise<boolean> {
  if (!KEY.test(job.key)) {
    throw new PermanentFailure("bad_key", "a job's key is one line of 1 to 200 characters");
  }
  const result = await db
    .insertInto("jobs")
    .values({
      id: newId(nowMs),
      key: job.key,
      name: job.name,
      kind: job.kind,
      payload: JSON.stringify(job.payload) ?? "null",
      state: "ready",
      attempts: 0,
      max_attempts: job.maxAttempts,
      run_at: nowMs,
      lease_until: null,
      token: 0,
      runner: null,
      error: null,
      units: 0,
      by_hand: job.byHand ? 1 : 0,
      slot_at: job.slotMs,
      label: job.label,
      created_at: nowMs,
      updated_at: nowMs,
    })
    .onConflict((conflict) => conflict.column("key").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}
