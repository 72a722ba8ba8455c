import { type Kysely, sql } from "kysely";

/** What proves the safeties and adds up what the agent was worth. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await drills(db);
  await clock(db);
  await incidents(db);
  await releases(db);
  // Reports ask what was done in a week; the queue grows for ever.
  await sql`create index jobs_done on jobs (state, updated_at) where state = 'done'`.execute(db);
}

async function drills(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("drills")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("passed", "integer", (c) => c.notNull().check(sql`passed in (0, 1)`))
    .addColumn("version", "text", (c) => c.notNull())
    .addColumn("config_hash", "text", (c) => c.notNull())
    .addColumn("host", "text", (c) => c.notNull())
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("finished_at", "bigint", (c) => c.notNull())
    .addColumn("figures", "text", (c) => c.notNull())
    .addColumn("error", "text")
    .addColumn("file", "text", (c) => c.notNull())
    .addCheckConstraint("drill_error", sql`(passed = 1) = (error is null)`)
    .execute();
  await db.schema.createIndex("drills_finished").on("drills").column("finished_at").execute();
}

async function clock(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("clock")
    .addColumn("id", "integer", (c) => c.primaryKey().check(sql`id = 1`))
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("day_zero", "text", (c) => c.notNull())
    .addColumn("seen_day", "text", (c) => c.notNull())
    .addColumn("version", "text", (c) => c.notNull())
    .addColumn("config_hash", "text", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("clock_days")
    .addColumn("day", "text", (c) => c.primaryKey())
    .addColumn("count", "integer", (c) => c.notNull().check(sql`count >= 0`))
    .addColumn("ticks", "integer", (c) => c.notNull())
    .addColumn("outputs", "integer", (c) => c.notNull())
    .addColumn("units", "integer", (c) => c.notNull())
    .addColumn("failures", "integer", (c) => c.notNull())
    .addColumn("cost_micros", "bigint", (c) => c.notNull())
    .addColumn("value_micros", "bigint", (c) => c.notNull())
    .addColumn("incidents", "integer", (c) => c.notNull())
    .addColumn("attended", "integer", (c) => c.notNull().check(sql`attended in (0, 1)`))
    .addColumn("note", "text")
    .addCheckConstraint("attended_restarts", sql`attended = 0 or count = 0`)
    .execute();
}

async function incidents(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("incidents")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("cause_key", "text", (c) => c.notNull())
    .addColumn("event", "text", (c) => c.notNull())
    .addColumn("title", "text", (c) => c.notNull())
    .addColumn("opened_at", "bigint", (c) => c.notNull())
    .addColumn("last_at", "bigint", (c) => c.notNull())
    .addColumn("count", "integer", (c) => c.notNull().check(sql`count >= 1`))
    .addColumn("recovered_at", "bigint")
    .addColumn("tick", "text")
    .addColumn("job", "text")
    .addColumn("config_hash", "text")
    .addColumn("closed_at", "bigint")
    .addColumn("cause", "text")
    .addColumn("fix", "text")
    .addColumn("prevention", "text")
    .addColumn("fixed_by", "text")
    .addCheckConstraint(
      "closed_with_words",
      sql`closed_at is null or (cause is not null and fix is not null and prevention is not null)`,
    )
    .execute();
  await sql`create unique index incidents_lasting on incidents (cause_key)
    where recovered_at is null and closed_at is null`.execute(db);
  await db.schema.createIndex("incidents_opened").on("incidents").column("opened_at").execute();
}

async function releases(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("releases")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("config_hash", "text", (c) => c.notNull())
    .addColumn("version", "text", (c) => c.notNull())
    .addColumn("config_text", "text", (c) => c.notNull())
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("difference", "text", (c) => c.notNull())
    .addColumn("facts", "text", (c) => c.notNull())
    .addColumn("units", "text", (c) => c.notNull())
    .addColumn("made_at", "bigint", (c) => c.notNull())
    .execute();
}
