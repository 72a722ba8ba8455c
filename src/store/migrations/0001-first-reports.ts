import { type Kysely, sql } from "kysely";

/** The second half of the first migration: what is told, when it ran, and what was fetched. */

export async function alerts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("alerts")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("key", "text", (c) => c.notNull().unique())
    .addColumn("event", "text", (c) => c.notNull())
    .addColumn("severity", "text", (c) => c.notNull().check(sql`severity in ('info', 'warn', 'error')`))
    .addColumn("payload", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema.createIndex("alerts_created").on("alerts").column("created_at").execute();
  await db.schema
    .createTable("alert_deliveries")
    .addColumn("alert_id", "text", (c) => c.notNull().references("alerts.id"))
    .addColumn("channel", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('pending', 'sent', 'failed')`))
    .addColumn("attempts", "integer", (c) => c.notNull().check(sql`attempts >= 0`))
    .addColumn("next_at", "bigint", (c) => c.notNull())
    .addColumn("error", "text")
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("alert_deliveries_pk", ["alert_id", "channel"])
    .execute();
  await sql`create index deliveries_pending on alert_deliveries (next_at) where state = 'pending'`.execute(
    db,
  );
}

export async function runner(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("meta")
    .addColumn("key", "text", (c) => c.primaryKey())
    .addColumn("value", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("schedules")
    .addColumn("job_name", "text", (c) => c.primaryKey())
    .addColumn("schedule", "text", (c) => c.notNull())
    .addColumn("last_slot_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("ticks")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("finished_at", "bigint")
    .addColumn("outcome", "text", (c) =>
      c.notNull().check(sql`outcome in ('running', 'ok', 'idle', 'halted', 'failed', 'crashed')`),
    )
    .addColumn("reason", "text")
    .addColumn("units", "integer", (c) => c.notNull())
    .addColumn("cost_micros", "bigint", (c) => c.notNull())
    .addColumn("by_hand", "integer", (c) => c.notNull().check(sql`by_hand in (0, 1)`))
    .addColumn("next_due_at", "bigint")
    .addColumn("version", "text", (c) => c.notNull())
    .addCheckConstraint("tick_finished", sql`(outcome = 'running') = (finished_at is null)`)
    .execute();
  await db.schema.createIndex("ticks_started").on("ticks").column("started_at").execute();
}

export async function egress(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("http_cache")
    .addColumn("url_hash", "text", (c) => c.primaryKey())
    .addColumn("etag", "text")
    .addColumn("last_modified", "text")
    .addColumn("content_type", "text", (c) => c.notNull())
    .addColumn("body", "blob", (c) => c.notNull())
    .addColumn("fetched_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("robots")
    .addColumn("origin", "text", (c) => c.primaryKey())
    .addColumn("verdict", "text", (c) => c.notNull().check(sql`verdict in ('rules', 'allow', 'disallow')`))
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("fetched_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("host_limits")
    .addColumn("host", "text", (c) => c.primaryKey())
    .addColumn("next_at", "bigint", (c) => c.notNull())
    .execute();
}
