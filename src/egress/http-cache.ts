import { hash } from "node:crypto";
import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import type { Db } from "../store/schema.ts";
import type { Answer } from "./transport.ts";

const BODY_BYTES_MAX = 2 * 1024 * 1024;
const CONTENT_TYPE_CHARS_MAX = 200;
const ROWS_MAX = 500;
const TOTAL_BYTES_MAX = 128 * 1024 * 1024;

/** A page as it was last sent in full, with what to ask the server whether it still is so. */
interface KeptPage {
  /** With its parameters; a page that an earlier version kept has none. */
  contentType: string;
  body: Uint8Array;
  /** If-None-Match and If-Modified-Since. */
  validators: Record<string, string>;
}

/** Conditional requests (RFC 9110, section 13): a page that has not changed is not sent again. Bounded in rows and bytes. */
export function createHttpCache(db: Db, clock: Clock) {
  return {
    async find(url: URL): Promise<KeptPage | null> {
      const row = await db
        .selectFrom("http_cache")
        .selectAll()
        .where("url_hash", "=", hashOf(url))
        .executeTakeFirst();
      if (row === undefined) return null;
      const validators = {
        ...(row.etag !== null && { "if-none-match": row.etag }),
        ...(row.last_modified !== null && { "if-modified-since": row.last_modified }),
      };
      return { contentType: row.content_type, body: row.body, validators };
    },

    /** Keeps a 200 that has a validator and is not too large; does nothing with others. */
    async keep(url: URL, answer: Answer): Promise<void> {
      const etag = answer.headers.etag ?? null;
      const lastModified = answer.headers["last-modified"] ?? null;
      if (answer.status !== 200 || (etag === null && lastModified === null)) return;
      const isUnwanted = /\bno-store\b/i.test(answer.headers["cache-control"] ?? "");
      if (isUnwanted || answer.body.byteLength > BODY_BYTES_MAX) return;
      const values = {
        etag,
        last_modified: lastModified,
        content_type: (answer.headers["content-type"] ?? "").slice(0, CONTENT_TYPE_CHARS_MAX),
        body: answer.body,
        fetched_at: clock.nowMs(),
      };
      await db
        .insertInto("http_cache")
        .values({ url_hash: hashOf(url), ...values })
        .onConflict((on) => on.column("url_hash").doUpdateSet(values))
        .execute();
      await dropOldest(db);
    },

    /** The server has said that the kept page is current. */
    async confirm(url: URL): Promise<void> {
      await db
        .updateTable("http_cache")
        .set({ fetched_at: clock.nowMs() })
        .where("url_hash", "=", hashOf(url))
        .execute();
    },
  };
}

async function dropOldest(db: Db): Promise<void> {
  await sql`
    delete from http_cache where url_hash in (
      select url_hash from (
        select url_hash,
          row_number() over newest_first as place,
          sum(length(body)) over newest_first as bytes
        from http_cache
        window newest_first as (order by fetched_at desc, url_hash)
      ) as ranked
      where place > ${ROWS_MAX} or bytes > ${TOTAL_BYTES_MAX}
    )`.execute(db);
}

function hashOf(url: URL): string {
  return hash("sha256", url.href);
}
