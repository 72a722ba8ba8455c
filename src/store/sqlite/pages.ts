import { sql } from "kysely";
import { StoreRefused } from "../errors.ts";
import type { Db, Trx } from "../schema.ts";
import type { Store } from "../store.ts";

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

/**
 * Reads every page: structure, indexes against their tables, and the constraints against the rows. Costs about 3 ms a MiB.
 * @throws StoreRefused when anything is wrong.
 */
export async function refuseDamage(db: Db, path: string): Promise<void> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check(3)`.execute(db);
  const found = rows.map((row) => row.integrity_check);
  if (found.length === 1 && found[0] === "ok") return;
  throw new StoreRefused(
    "store_damaged",
    `${path} is damaged (${found.join("; ").replaceAll("\n", " ").slice(0, 300)}). Restore a backup, or stop every worker and move the file away to start anew`,
  );
}

/** 4 MiB of pages of 4 KiB, and a quarter of the file. */
const FREE_PAGES_MIN = 1_024;
const FREE_SHARE_MAX = 0.25;
/** About 10 ms of work. */
const PAGES_BACK = 128;

/**
 * Free pages are taken by new rows, so that the file stops growing once as much is removed as is added. Only where much is
 * free, as after the first pass over an old database, some are given back: how many.
 */
export async function shrink({ db, atomically }: Pick<Store, "db" | "atomically">): Promise<number> {
  const { all, free } = await countPages(db);
  if (free < FREE_PAGES_MIN || free < all * FREE_SHARE_MAX) return 0;
  await atomically((trx) => givePagesBack(trx, PAGES_BACK));
  const left = await countPages(db);
  // None, where the file was made without `auto_vacuum`.
  return Math.max(0, all - left.all);
}
