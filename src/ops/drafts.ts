import { sql } from "kysely";
import { viewOf } from "../lib/view.ts";
import type { Db } from "../store/schema.ts";

/** A draft as people see it: with the name and the key of the job that made it. */
export type DraftView = ReturnType<typeof view>;

/** A draft with what is in it, as the job drafted it. */
export type DraftDetail = DraftView & { content: unknown };

/** The newest `limit` drafts: those that wait for a person, or all. */
export async function listDrafts(db: Db, filter: { all: boolean; limit: number }): Promise<DraftView[]> {
  const rows = await select(db)
    .$if(!filter.all, (query) => query.where("drafts.state", "in", ["pending", "approving", "unknown"]))
    .orderBy("drafts.id", "desc")
    .limit(filter.limit)
    .execute();
  return rows.map(view);
}

/** The draft of an id; undefined where there is none. */
export async function findDraft(db: Db, id: string): Promise<DraftDetail | undefined> {
  const row = await select(db).where("drafts.id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : { ...view(row), content: JSON.parse(row.content) };
}

/** Those that wait for a yes or no, and those of which a person must find out whether they were done. */
export async function countDrafts(db: Db): Promise<{ pending: number; unknown: number }> {
  const row = await db
    .selectFrom("drafts")
    .select([
      sql<number>`count(case when state = 'pending' then 1 end)`.as("pending"),
      sql<number>`count(case when state in ('approving', 'unknown') then 1 end)`.as("unknown"),
    ])
    .executeTakeFirstOrThrow();
  return { pending: Number(row.pending), unknown: Number(row.unknown) };
}

type Row = Awaited<ReturnType<ReturnType<typeof select>["executeTakeFirstOrThrow"]>>;

function select(db: Db) {
  return db
    .selectFrom("drafts")
    .innerJoin("jobs", "jobs.id", "drafts.job_id")
    .select(["drafts.id", "drafts.state", "drafts.action", "drafts.name"])
    .select(["jobs.name as job_name", "jobs.key as job_key", "drafts.created_at", "drafts.attempted_at"])
    .select(["drafts.decided_at", "drafts.summary", "drafts.error", "drafts.content"]);
}

/**
 * An approval that has not ended is shown as unknown: it is under way in another process, or its process died in the
 * middle, and nobody can tell which by looking.
 */
function view({ content: _content, ...row }: Row) {
  const { state } = row;
  if (state !== "approving") return { ...viewOf(row), state };
  const error =
    "its approval has not ended: it is under way, or its process ended in the middle; it may have been done";
  return { ...viewOf(row), state: "unknown" as const, error };
}
