import { viewOf } from "../lib/view.ts";
import type { Db } from "../store/schema.ts";

/** A question as people see it; never its code. */
export type QuestionView = Awaited<ReturnType<typeof listQuestions>>[number];

/** The newest `limit` questions: those that wait for an answer, or all. */
export async function listQuestions(db: Db, filter: { all: boolean; limit: number; nowMs: number }) {
  const rows = await db
    .selectFrom("questions")
    .select(["id", "kind", "subject", "job", "message", "state", "asked_at", "sent_at"])
    .select(["expires_at", "answered_at", "answered_by"])
    .$if(!filter.all, (query) => query.where("state", "=", "open").where("expires_at", ">", filter.nowMs))
    .orderBy("id", "desc")
    .limit(filter.limit)
    .execute();
  return rows.map((row) => {
    const isOver = row.state === "open" && row.expires_at <= filter.nowMs;
    return viewOf({ ...row, state: isOver ? ("expired" as const) : row.state });
  });
}
