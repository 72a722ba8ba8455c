import { sql } from "kysely";
import { toIso } from "../lib/clock.ts";
import type { DraftState } from "../store/schema/queue.ts";
import type { Db } from "../store/schema.ts";

/** A draft as people see it. Instants are ISO 8601 in UTC. */
export interface DraftView {
  id: string;
  /**
   * An approval that has not ended is shown as unknown: it is under way in another process, or its process died in the
   * middle, and nobody can tell which by looking.
   */
  state: Exclude<DraftState, "approving">;
  action: string;
  /** What the job called it. */
  name: string;
  jobName: string;
  jobKey: string;
  createdAt: string;
  attemptedAt: string | null;
  /** When it was done or rejected. */
  decidedAt: string | null;
  summary: string | null;
  error: string | null;
}

/** A draft with what is in it. */
export interface DraftDetail extends DraftView {
  /** As the job drafted it. */
  content: unknown;
}

/** The newest `limit` drafts: those that wait for a person, or all. */
export async function listDrafts(db: Db, filter: { all: boolean; limit: number }): Promise<DraftView[]> {
  const found = select(db).orderBy("drafts.id", "desc").limit(filter.limit);
  const rows = await (filter.all
    ? found
    : found.where("drafts.state", "in", ["pending", "approving", "unknown"])
  ).execute();
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
    .selectAll("drafts")
    .select(["jobs.name as job_name", "jobs.key as job_key"]);
}

function view(row: Row): DraftView {
  const isOpen = row.state === "approving";
  return {
    id: row.id,
    state: row.state === "approving" ? "unknown" : row.state,
    action: row.action,
    name: row.name,
    jobName: row.job_name,
    jobKey: row.job_key,
    createdAt: toIso(row.created_at),
    attemptedAt: row.attempted_at === null ? null : toIso(row.attempted_at),
    decidedAt: row.decided_at === null ? null : toIso(row.decided_at),
    summary: row.summary,
    error: isOpen
      ? "its approval has not ended: it is under way, or its process ended in the middle; it may have been done"
      : row.error,
  };
}
