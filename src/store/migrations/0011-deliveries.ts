import { type Kysely, sql } from "kysely";

/** What runs of jobs gave and who gets it, which channels a job's alerts go to, and what digests printed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("results")
    .addColumn("job_id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("label", "text", (c) => c.notNull())
    .addColumn("slot_at", "bigint", (c) => c.notNull())
    .addColumn("outcome", "text", (c) => c.notNull().check(sql`outcome in ('done', 'dead', 'progress')`))
    .addColumn("is_news", "integer", (c) => c.notNull())
    .addColumn("report", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("results_primary", ["job_id", "outcome"])
    .execute();
  await db.schema.createIndex("results_of_a_job").on("results").columns(["name", "created_at"]).execute();
  await db.schema
    .createTable("deliveries")
    .addColumn("key", "text", (c) => c.primaryKey())
    .addColumn("job_id", "text", (c) => c.notNull())
    .addColumn("outcome", "text", (c) => c.notNull())
    .addColumn("receiver", "text", (c) => c.notNull())
    .addColumn("channel", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('pending', 'delivered', 'dead')`))
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addColumn("parts_taken", "integer", (c) => c.notNull())
    .addColumn("next_at", "bigint", (c) => c.notNull())
    .addColumn("error", "text")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex("deliveries_waiting")
    .on("deliveries")
    .column("next_at")
    .where(sql<boolean>`state = 'pending'`)
    .execute();
  await db.schema.createIndex("deliveries_of_a_run").on("deliveries").column("job_id").execute();
  await db.schema
    .createTable("alert_routes")
    .addColumn("job", "text", (c) => c.primaryKey())
    .addColumn("channels", "text", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("digest_items")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("item_key", "text", (c) => c.notNull())
    .addColumn("label", "text", (c) => c.notNull())
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("link", "text")
    .addColumn("source", "text", (c) => c.notNull())
    .addColumn("summary", "text", (c) => c.notNull())
    .addColumn("published_at", "bigint")
    .addColumn("score", "integer")
    .addColumn("vote", "integer", (c) => c.check(sql`vote in (-1, 1)`))
    .addColumn("rated_at", "bigint")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex("digest_items_printed")
    .on("digest_items")
    .columns(["created_at", "job"])
    .execute();
  // What says of each receiver whether it takes what is sent, and of the last ticks whether they gave anything.
  await db.schema
    .createIndex("deliveries_fate")
    .on("deliveries")
    .columns(["receiver", "state", "updated_at"])
    .execute();
  await db.schema
    .createIndex("alert_deliveries_fate")
    .on("alert_deliveries")
    .columns(["channel", "state", "updated_at"])
    .execute();
  await db.schema.createIndex("outputs_created").on("outputs").column("created_at").execute();
  await sql`create index ticks_with_work on ticks (started_at, id) where outcome in ('ok', 'failed', 'crashed')`.execute(
    db,
  );
}
