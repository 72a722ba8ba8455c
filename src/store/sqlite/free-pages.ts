import { sql } from "kysely";
import type { Db, Trx } from "../schema.ts";

/** Pages of the file, and those of them that hold nothing: new rows take these before the file grows. */
export async function countPages(db: Db): Promise<{ all: number; free: number }> {
  const all = await sql<{ page_count: number }>`pragma page_count`.execute(db);
  const free = await sql<{ freelist_count: number }>`pragma freelist_count`.execute(db);
  return { all: all.rows[0]?.page_count ?? 0, free: free.rows[0]?.freelist_count ?? 0 };
}

/**
 * Takes so many free pages out of the file, as part of the transaction. Pages from the end of the file move into the gaps,
 * so its price is theirs alone; VACUUM would write everything anew, and keep everybody out meanwhile. Does nothing to a file
 * that was made without `auto_vacuum`.
 */
export async function givePagesBack(trx: Trx, pages: number): Promise<void> {
  // One at a time: this pragma frees a page for each row that it is asked for, and has no rows.
  for (let page = 0; page < pages; page++) await sql`pragma incremental_vacuum(1)`.execute(trx);
}
