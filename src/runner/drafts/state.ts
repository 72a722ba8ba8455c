import type { DraftState } from "../../store/schema/queue.ts";
import type { Db, Trx } from "../../store/schema.ts";

/** What a claim stands on; the outcome is written only where it still holds. */
export interface DraftClaim {
  id: string;
  attemptedMs: number;
  /** The state it had before. Doubt about an earlier try outlives a later one that certainly did nothing. */
  from: "pending" | "unknown";
}

/** What came of an approved draft; `pending` is certainly not done, `unknown` may have been. */
export type DraftOutcome =
  | { state: "done"; summary: string }
  | { state: "pending" | "unknown"; error: string };

const ORPHANED = "the process that approved it ended in the middle; it may have been done";

/** A draft as far as approving it needs it; undefined when there is none of this id. */
export async function readDraftState(
  db: Db,
  id: string,
): Promise<{ state: DraftState; action: string; content: string } | undefined> {
  return await db
    .selectFrom("drafts")
    .select(["state", "action", "content"])
    .where("id", "=", id)
    .executeTakeFirst();
}

/** Marks every approval without an end as unknown. The caller holds the approval lock, so none is under way. */
export async function orphanDrafts(trx: Trx): Promise<void> {
  await trx
    .updateTable("drafts")
    .set({ state: "unknown", error: ORPHANED })
    .where("state", "=", "approving")
    .execute();
}

/** Writes the intent down. False when somebody else was faster; then nothing may be done. */
export async function claimDraft(trx: Trx, claim: DraftClaim): Promise<boolean> {
  const result = await trx
    .updateTable("drafts")
    .set({ state: "approving", attempted_at: claim.attemptedMs, error: null })
    .where("id", "=", claim.id)
    .where("state", "=", claim.from)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Writes down what came of a claim. False when the claim does not hold any more. */
export async function endDraft(
  trx: Trx,
  claim: DraftClaim,
  outcome: DraftOutcome,
  nowMs: number,
): Promise<boolean> {
  const result = await trx
    .updateTable("drafts")
    .set(
      outcome.state === "done"
        ? { state: "done", summary: outcome.summary, decided_at: nowMs }
        : { state: outcome.state, error: outcome.error },
    )
    .where("id", "=", claim.id)
    .where("state", "=", "approving")
    .where("attempted_at", "=", claim.attemptedMs)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Closes a draft that waits or is unknown. Its error stays, since it tells of a try. False when it was in another state. */
export async function closeDraft(trx: Trx, id: string, nowMs: number): Promise<boolean> {
  const result = await trx
    .updateTable("drafts")
    .set({ state: "rejected", decided_at: nowMs })
    .where("id", "=", id)
    .where("state", "in", ["pending", "unknown"])
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
