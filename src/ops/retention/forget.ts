import { type RawBuilder, sql } from "kysely";
import type { SweepKey } from "../../store/meta.ts";
import { type Ages, idAt, ROWS, type Sweep } from "./sweep.ts";

/** Rows that go as soon as they are old, and leave nothing. */
interface Forgotten {
  name: string;
  progress: SweepKey;
  table: string;
  /** The columns of its primary key. */
  key: readonly string[];
  isOld: (ages: Ages) => RawBuilder<unknown>;
  orderBy: string;
  /** Most rows that one step removes. */
  limit: number;
}

/** One that waits, or may have been done, stays until a person has decided. */
export const draftsSweep = forgets({
  name: "drafts",
  progress: "sweep_drafts",
  table: "drafts",
  key: ["id"],
  isOld: ({ historyMs }) => sql`id < ${idAt(historyMs)} and decided_at < ${historyMs}`,
  orderBy: "id",
  limit: ROWS,
});

/** Items that no run has come across for long: a source that still offers one marks it as seen again. */
export const seenSweep = forgets({
  name: "seen",
  progress: "sweep_seen",
  table: "seen",
  key: ["job_name", "key"],
  isOld: ({ seenMs }) => sql`seen_at < ${seenMs}`,
  orderBy: "seen_at",
  limit: ROWS,
});

/** Kept pages that were neither fetched nor confirmed: asked for again, they are fetched in full. Each may have 2 MiB. */
export const pagesSweep = forgets({
  name: "pages",
  progress: "sweep_pages",
  table: "http_cache",
  key: ["url_hash"],
  isOld: ({ historyMs }) => sql`fetched_at < ${historyMs}`,
  orderBy: "fetched_at",
  limit: 4,
});

/** Breakers that are closed and have no failures: to the rails that is the same as none. */
export const breakersSweep = forgets({
  name: "breakers",
  progress: "sweep_breakers",
  table: "breakers",
  key: ["name"],
  isOld: ({ historyMs }) => sql`state = 'closed' and failures = 0 and updated_at < ${historyMs}`,
  orderBy: "name",
  limit: ROWS,
});

function forgets({ name, progress, table, key, isOld, orderBy, limit }: Forgotten): Sweep {
  const columns = sql.join(key.map((each) => sql.ref(each)));
  return {
    name,
    key: progress,
    async step(trx, ages) {
      const { numAffectedRows } = await sql`delete from ${sql.table(table)} where (${columns}) in (
        select ${columns} from ${sql.table(table)} where ${isOld(ages)}
        order by ${sql.ref(orderBy)} limit ${limit})`.execute(trx);
      const removed = Number(numAffectedRows ?? 0);
      return { removed, next: removed === limit ? "" : null };
    },
  };
}
