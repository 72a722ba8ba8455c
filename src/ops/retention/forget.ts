import { type RawBuilder, sql } from "kysely";
import { type Ages, idAt, ROWS, type Sweep } from "./sweep.ts";

/** One that waits, or may have been done, stays until a person has decided. */
export const draftsSweep = forgets(
  { name: "drafts", orderBy: "id" },
  ({ historyMs }) => sql`id < ${idAt(historyMs)} and decided_at < ${historyMs}`,
);

/** Items that no run has come across for long: a source that still offers one marks it as seen again. */
export const seenSweep = forgets(
  { name: "seen", key: ["job_name", "key"], orderBy: "seen_at" },
  ({ seenMs }) => sql`seen_at < ${seenMs}`,
);

/** What jobs keep that no run has touched for long: of a job, or a source, that was taken out. */
export const memorySweep = forgets(
  { name: "memory", table: "job_memory", key: ["job_name", "key"], orderBy: "updated_at" },
  ({ seenMs }) => sql`updated_at < ${seenMs}`,
);

/** Messages from the phone; services give none again that is so old. */
export const messagesSweep = forgets(
  { name: "messages", table: "remote_messages", key: ["channel", "message_id"], orderBy: "at" },
  ({ stepsMs }) => sql`at < ${stepsMs}`,
);

/** Questions that were answered, or are over; one that nobody looked at since its time was up counts too. */
export const questionsSweep = forgets(
  { name: "questions", orderBy: "asked_at", key: ["id"] },
  ({ historyMs }) => sql`asked_at < ${historyMs} and expires_at < ${historyMs}`,
);

/** What runs were granted, whose windows are long over. */
export const grantsSweep = forgets(
  { name: "grants", table: "cap_grants", key: ["job", "window", "amount"], orderBy: "granted_at" },
  ({ historyMs }) => sql`granted_at < ${historyMs} and not exists (
    select 1 from jobs where jobs.key = cap_grants.job and jobs.state in ('ready', 'running'))`,
);

/** Wrong codes, of which those of the last hours count. */
export const wrongCodesSweep = forgets(
  { name: "wrongCodes", table: "wrong_codes", key: ["id"], orderBy: "at" },
  ({ historyMs }) => sql`at < ${historyMs}`,
);

/** Kept pages that were neither fetched nor confirmed: asked for again, they are fetched in full. Each may have 2 MiB. */
export const pagesSweep = forgets(
  { name: "pages", table: "http_cache", key: ["url_hash"], orderBy: "fetched_at", limit: 4 },
  ({ historyMs }) => sql`fetched_at < ${historyMs}`,
);

/** Items that digests printed, with what the owner said of them; the weights of votes have faded by then. */
export const printedSweep = forgets(
  { name: "printed", table: "digest_items", key: ["id"], orderBy: "created_at" },
  ({ historyMs }) => sql`created_at < ${historyMs}`,
);

/** Breakers that are closed and have no failures: to the rails that is the same as none. */
export const breakersSweep = forgets(
  { name: "breakers", orderBy: "name" },
  ({ historyMs }) => sql`state = 'closed' and failures = 0 and updated_at < ${historyMs}`,
);

interface Forgotten extends Pick<Sweep, "name"> {
  /** Called as the sweep unless stated. */
  table?: string;
  /** The columns of its primary key; the one that orders unless stated. */
  key?: readonly string[];
  orderBy: string;
  /** Most rows that one step removes. */
  limit?: number;
}

/** Rows that go as soon as they are old, and leave nothing. */
function forgets(
  { name, table = name, orderBy, key = [orderBy], limit = ROWS }: Forgotten,
  isOld: (ages: Ages) => RawBuilder<unknown>,
): Sweep {
  const columns = sql.join(key.map((each) => sql.ref(each)));
  return {
    name,
    async step(trx, ages) {
      const { numAffectedRows } = await sql`delete from ${sql.table(table)} where (${columns}) in (
        select ${columns} from ${sql.table(table)} where ${isOld(ages)}
        order by ${sql.ref(orderBy)} limit ${limit})`.execute(trx);
      const removed = Number(numAffectedRows ?? 0);
      return { removed, next: removed === limit ? "" : null };
    },
  };
}
