import { type Kysely, sql } from "kysely";

/** Who may ask the gateway, what runs of jobs were answered, which session of a client a call belongs to, and what was asked without a call. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("ledger").addColumn("session", "text").execute();
  // What was released is missing in those of before, and matters for a minute.
  await db.schema
    .alterTable("budget_windows")
    .addColumn("admitted_calls", "bigint", (c) => c.notNull().defaultTo(0))
    .execute();
  await sql`update budget_windows set admitted_calls = settled_calls + reserved_calls`.execute(db);
  await db.schema
    .createTable("client_keys")
    .addColumn("hash", "text", (c) => c.primaryKey())
    .addColumn("client", "text", (c) => c.notNull())
    .addColumn("hint", "text", (c) => c.notNull())
    .addColumn("made_at", "bigint", (c) => c.notNull())
    .addColumn("revoked_at", "bigint")
    .execute();
  await db.schema
    .createTable("answers")
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("request_hash", "text", (c) => c.notNull())
    .addColumn("position", "integer", (c) => c.notNull())
    .addColumn("entry", "text", (c) => c.notNull())
    .addColumn("status", "integer", (c) => c.notNull())
    .addColumn("content_type", "text", (c) => c.notNull())
    .addColumn("body", "text", (c) => c.notNull())
    .addColumn("made_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("answers_pk", ["job", "request_hash", "position"])
    .execute();
  await db.schema.createIndex("answers_made").on("answers").column("made_at").execute();
  await db.schema
    .createTable("gateway_days")
    .addColumn("day", "text", (c) => c.notNull())
    .addColumn("owner", "text", (c) => c.notNull())
    .addColumn("refused", "integer", (c) => c.notNull())
    .addColumn("replayed", "integer", (c) => c.notNull())
    .addColumn("joined", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("gateway_days_pk", ["day", "owner"])
    .execute();
}
