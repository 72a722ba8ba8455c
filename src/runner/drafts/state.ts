import type { Updateable } from "kysely";
import { HOUR_MS } from "../../lib/durations.ts";
import type { DraftState, DraftsTable } from "../../store/schema/queue.ts";
import type { Db, Trx } from "../../store/schema.ts";
import { closeForDraft } from "../questions/question.ts";

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

/** Longer than any approval takes: its one request, or its push, has a time limit. */
const APPROVAL_MS_MAX = HOUR_MS;

/**
 * Marks approvals without an end as unknown. The caller holds the approval lock, so none is under way; in a fleet that is so of this
 * machine's, and of another's once it would be over in any case.
 */
export async function orphanDrafts(trx: Trx, machine: string | null, nowMs: number): Promise<void> {
  await trx
    .updateTable("drafts")
    .set({ state: "unknown", error: ORPHANED })
    .where("state", "=", "approving")
    .$if(machine !== null, (query) =>
      query.where((eb) =>
        eb.or([
          eb("machine", "=", machine),
          eb("machine", "is", null),
          eb("attempted_at", "<", nowMs - APPROVAL_MS_MAX),
        ]),
      ),
    )
    .execute();
}

/** Writes the intent down, which answers what the phone was asked. False when somebody else was faster; then nothing may be done. */
export async function claimDraft(
  trx: Trx,
  { id, attemptedMs, from }: DraftClaim,
  machine: string | null = null,
): Promise<boolean> {
  const change = { state: "approving", attempted_at: attemptedMs, error: null, machine } as const;
  const isClaimed = await move(trx, { id }, [from], change);
  if (isClaimed) await closeForDraft(trx, id, true, attemptedMs);
  return isClaimed;
}

/** Writes down what came of a claim. False when the claim does not hold any more. */
export async function endDraft(
  trx: Trx,
  { id, attemptedMs }: DraftClaim,
  outcome: DraftOutcome,
  nowMs: number,
): Promise<boolean> {
  const change = { ...outcome, ...(outcome.state === "done" && { decided_at: nowMs }) };
  return await move(trx, { id, attempted_at: attemptedMs }, ["approving"], change);
}

/** Closes a draft that waits or is unknown. Its error stays, since it tells of a try. False when it was in another state. */
export async function closeDraft(trx: Trx, id: string, nowMs: number): Promise<boolean> {
  const change = { state: "rejected", decided_at: nowMs } as const;
  const isClosed = await move(trx, { id }, ["pending", "unknown"], change);
  if (isClosed) await closeForDraft(trx, id, false, nowMs);
  return isClosed;
}

/** Changes the drafts of which `which` holds that are in one of these states; false when there is none. */
async function move(
  trx: Trx,
  which: { id?: string; attempted_at?: number },
  from: readonly DraftState[],
  change: Updateable<DraftsTable>,
): Promise<boolean> {
  const result = await trx
    .updateTable("drafts")
    .set(change)
    .where((eb) => eb.and(which))
    .where("state", "in", from)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}
