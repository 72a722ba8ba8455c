import { hash } from "node:crypto";
import type { Selectable } from "kysely";
import { assert } from "../lib/errors.ts";
import { CROCKFORD } from "../lib/ids.ts";
import type { DigestItemsTable } from "../store/schema/results.ts";
import type { Db, Trx } from "../store/schema.ts";

/** An item as a digest printed it. */
export interface PrintedItem {
  /** What `afk rate` takes. */
  id: string;
  /** The job that printed it. */
  job: string;
  key: string;
  /** Of the period of its digest. */
  label: string;
  title: string;
  link: string | null;
  source: string;
  /** Empty where the digest printed none. */
  summary: string;
  publishedAt: number | null;
  /** In thousandths; null where the digest had no interests to rank by. */
  score: number | null;
  vote: 1 | -1 | null;
  ratedAt: number | null;
}

/** An item that a run prints; the rest is known where it is kept. */
export type NewlyPrinted = Omit<PrintedItem, "job" | "label" | "vote" | "ratedAt">;

/** Which printed items are wanted. */
export interface PrintedQuery {
  /** By the names of the jobs; null for all. */
  jobs: readonly string[] | null;
  /** Printed from then until before then, epoch milliseconds. */
  fromMs: number;
  untilMs: number;
  isRated?: true;
}

/** More are not given: of a week's digests of 200 items it is more than there are. */
const ITEMS_MAX = 2_000;

/** What a person types, and what stands in every output as it is. */
const ID = /^[0-9a-z-]{1,20}$/;
const ID_CHARS = 6;

/** What people type to mean an item of a job's digest: the same for the same item, without letters that look alike. */
export function printedId(job: string, key: string): string {
  const bytes = hash("sha256", `${job}\n${key}`, "buffer");
  return Array.from(bytes.subarray(0, ID_CHARS), (byte) => CROCKFORD[byte % CROCKFORD.length]).join("");
}

/** Keeps what a run printed, in the transaction that ends it. An id that an older item has by accident is the newer one's. */
export async function savePrinted(
  trx: Trx,
  job: { name: string; label: string },
  items: readonly NewlyPrinted[],
  nowMs: number,
): Promise<void> {
  for (const { id, key, title, link, source, summary, publishedAt, score } of items) {
    assert(ID.test(id), `job ${job.name} printed an item by the id ${JSON.stringify(id.slice(0, 40))}`);
    const row = { job: job.name, item_key: key, label: job.label, title, link, source, summary, score };
    const rest = { published_at: publishedAt, vote: null, rated_at: null, created_at: nowMs };
    await trx
      .insertInto("digest_items")
      .values({ id, ...row, ...rest })
      .onConflict((conflict) => conflict.column("id").doUpdateSet({ ...row, ...rest }))
      .execute();
  }
}

/** The newest first. */
export async function readPrinted(db: Db, query: PrintedQuery): Promise<PrintedItem[]> {
  if (query.jobs?.length === 0) return [];
  const rows = await db
    .selectFrom("digest_items")
    .selectAll()
    .where("created_at", ">=", query.fromMs)
    .where("created_at", "<", query.untilMs)
    .$if(query.jobs !== null, (select) => select.where("job", "in", [...(query.jobs ?? [])]))
    .$if(query.isRated === true, (select) => select.where("vote", "is not", null))
    .orderBy("created_at", "desc")
    .orderBy("id")
    .limit(ITEMS_MAX)
    .execute();
  return rows.map(toPrinted);
}

/** Says what the owner thinks of an item; the latest word counts. Undefined where there is no item of this id. */
export async function saveVote(
  trx: Trx,
  id: string,
  vote: 1 | -1,
  nowMs: number,
): Promise<PrintedItem | undefined> {
  await trx.updateTable("digest_items").set({ vote, rated_at: nowMs }).where("id", "=", id).execute();
  const row = await trx.selectFrom("digest_items").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : toPrinted(row);
}

function toPrinted(row: Selectable<DigestItemsTable>): PrintedItem {
  const {
    item_key: key,
    published_at: publishedAt,
    rated_at: ratedAt,
    created_at: _createdAt,
    ...rest
  } = row;
  return { ...rest, key, publishedAt, ratedAt, vote: row.vote === null ? null : row.vote > 0 ? 1 : -1 };
}
