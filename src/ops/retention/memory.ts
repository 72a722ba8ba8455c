import { sql } from "kysely";
import type { Trx } from "../../store/schema.ts";
import { ROWS, type Sweep, type Swept } from "./sweep.ts";

/** Pages that one step removes; each may have 2 MiB. */
const PAGES = 4;

/** Forgets items that no run has come across for long: a source that still offers one has it marked anew. */
export const seenSweep: Sweep = {
  name: "seen",
  key: "sweep_seen",
  step: async (trx, { seenMs }) =>
    swept(
      await sql`delete from seen where (job_name, key) in (
        select job_name, key from seen where seen_at < ${seenMs} order by seen_at limit ${ROWS})`.execute(
        trx,
      ),
      ROWS,
    ),
};

/** Drops kept pages that were neither fetched nor confirmed for long: asked for again, they are fetched in full. */
export const pagesSweep: Sweep = {
  name: "pages",
  key: "sweep_pages",
  step: async (trx, { historyMs }) =>
    swept(
      await sql`delete from http_cache where url_hash in (
        select url_hash from http_cache where fetched_at < ${historyMs} order by fetched_at limit ${PAGES})`.execute(
        trx,
      ),
      PAGES,
    ),
};

/** Drops breakers that are closed and as good as new: to the rails that is the same as none. */
export const breakersSweep: Sweep = {
  name: "breakers",
  key: "sweep_breakers",
  async step(trx: Trx, { historyMs }): Promise<Swept> {
    const { numDeletedRows } = await trx
      .deleteFrom("breakers")
      .where("state", "=", "closed")
      .where("failures", "=", 0)
      .where("updated_at", "<", historyMs)
      .executeTakeFirstOrThrow();
    return { removed: Number(numDeletedRows), next: null };
  },
};

function swept({ numAffectedRows }: { numAffectedRows?: bigint | undefined }, limit: number): Swept {
  const removed = Number(numAffectedRows ?? 0);
  return { removed, next: removed === limit ? "" : null };
}
