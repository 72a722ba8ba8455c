import type { Selectable } from "kysely";
import { newId } from "../../lib/ids.ts";
import type { QuestionsTable } from "../../store/schema/queue.ts";
import type { Db, Trx } from "../../store/schema.ts";

/** A question as the database has it. */
export type Question = Selectable<QuestionsTable>;

/** Writes a question down, in the section of what it asks about. Gives its id. */
export async function ask(
  trx: Trx,
  question: Pick<Question, "kind" | "subject" | "job" | "message" | "detail" | "expires_at">,
  nowMs: number,
): Promise<string> {
  const id = newId(nowMs);
  const unsent = { code_hash: null, code_made_at: null, sent_at: null, answered_at: null, answered_by: null };
  await trx
    .insertInto("questions")
    .values({ id, ...question, ...unsent, state: "open", asked_at: nowMs })
    .execute();
  return id;
}

/** Closes a question that is open and has time left. False where somebody was faster, or its time is up. */
export async function close(
  trx: Trx,
  id: string,
  { isYes, by, nowMs }: { isYes: boolean; by: string; nowMs: number },
): Promise<boolean> {
  const result = await trx
    .updateTable("questions")
    .set({ state: isYes ? "yes" : "no", answered_at: nowMs, answered_by: by })
    .where("id", "=", id)
    .where("state", "=", "open")
    .where("expires_at", ">", nowMs)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Closes what is asked about a draft, since somebody has decided about it at the keyboard. */
export async function closeForDraft(trx: Trx, draft: string, isYes: boolean, nowMs: number): Promise<void> {
  await trx
    .updateTable("questions")
    .set({ state: isYes ? "yes" : "no", answered_at: nowMs, answered_by: KEYBOARD })
    .where("kind", "=", "draft")
    .where("subject", "=", draft)
    .where("state", "=", "open")
    .execute();
}

/** Who answers where it is no channel of the phone. */
export const KEYBOARD = "keyboard";

/** Ends questions whose time is up. What they asked about goes on as if the answer were no, but for drafts, which stay. */
export async function expireQuestions(trx: Trx, nowMs: number): Promise<void> {
  await trx
    .updateTable("questions")
    .set({ state: "expired" })
    .where("state", "=", "open")
    .where("expires_at", "<=", nowMs)
    .execute();
}

/** What was asked about a subject, the oldest first. */
export async function questionsOf(db: Db, kind: Question["kind"], subject: string): Promise<Question[]> {
  return await db
    .selectFrom("questions")
    .selectAll()
    .where("kind", "=", kind)
    .where("subject", "=", subject)
    .orderBy("asked_at")
    .orderBy("id")
    .execute();
}
