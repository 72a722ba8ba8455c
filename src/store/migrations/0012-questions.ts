import { type Kysely, sql } from "kysely";

/** What jobs keep between runs, which are paused, what people are asked and what they allowed, and what came from the phone. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("job_memory")
    .addColumn("job_name", "text", (c) => c.notNull())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("value", "text", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("job_memory_primary", ["job_name", "key"])
    .execute();
  await db.schema
    .createTable("paused_jobs")
    .addColumn("job_name", "text", (c) => c.notNull())
    .addColumn("by", "text", (c) => c.notNull())
    .addColumn("reason", "text")
    .addColumn("paused_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("paused_jobs_primary", ["job_name", "by"])
    .execute();
  await db.schema
    .createTable("questions")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("kind", "text", (c) => c.notNull().check(sql`kind in ('draft', 'cap')`))
    .addColumn("subject", "text", (c) => c.notNull())
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("message", "text", (c) => c.notNull())
    .addColumn("detail", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('open', 'yes', 'no', 'expired')`))
    .addColumn("code_hash", "text", (c) => c.unique())
    .addColumn("asked_at", "bigint", (c) => c.notNull())
    .addColumn("code_made_at", "bigint")
    .addColumn("sent_at", "bigint")
    .addColumn("expires_at", "bigint", (c) => c.notNull())
    .addColumn("answered_at", "bigint")
    .addColumn("answered_by", "text")
    .execute();
  await db.schema.createIndex("questions_of").on("questions").columns(["kind", "subject"]).execute();
  await db.schema
    .createIndex("questions_open")
    .on("questions")
    .column("asked_at")
    .where(sql<boolean>`state = 'open'`)
    .execute();
  await db.schema
    .createTable("cap_grants")
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("window", "text", (c) => c.notNull())
    .addColumn("amount", "text", (c) => c.notNull())
    .addColumn("period", "text", (c) => c.notNull())
    .addColumn("cap", "bigint", (c) => c.notNull().check(sql`cap > 0`))
    .addColumn("extra", "bigint", (c) => c.notNull().check(sql`extra > 0`))
    .addColumn("question_id", "text", (c) => c.notNull())
    .addColumn("granted_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("cap_grants_primary", ["job", "window", "amount"])
    .execute();
  await db.schema
    .createTable("wrong_codes")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("remote_cursors")
    .addColumn("channel", "text", (c) => c.primaryKey())
    .addColumn("cursor", "text")
    .addColumn("moved_at", "bigint")
    .addColumn("connected_at", "bigint")
    .addColumn("heard_at", "bigint")
    .addColumn("failing_since", "bigint")
    .addColumn("error", "text")
    .execute();
  await db.schema
    .createTable("remote_messages")
    .addColumn("channel", "text", (c) => c.notNull())
    .addColumn("message_id", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("remote_messages_primary", ["channel", "message_id"])
    .execute();
}
