import { type Kysely, sql } from "kysely";

/** Jobs that wait for what is down, dead letters of one cause as one, and models that refuse what they are asked. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("jobs").addColumn("waiting_since", "bigint").execute();
  // A glance asks who waits; that is never more than a few of a hundred thousand jobs.
  await sql`create index jobs_waiting on jobs (waiting_since) where waiting_since is not null`.execute(db);
  await letters(db);
  await db.schema
    .createTable("model_refusals")
    .addColumn("model", "text", (c) => c.primaryKey())
    .addColumn("since_at", "bigint", (c) => c.notNull())
    .addColumn("last_at", "bigint", (c) => c.notNull())
    .addColumn("reason", "text", (c) => c.notNull())
    .execute();
}

/** Of a letter from before, the cause is not known: each stays one of its own, and so does its incident. */
async function letters(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("dead_letters")
    .addColumn("cause", "text", (c) => c.notNull().defaultTo(""))
    .execute();
  await sql`update dead_letters set cause = key`.execute(db);
  await sql`update incidents set cause_key = (
      select 'job_dead:' || name || ':' || cause from dead_letters where 'job_dead:' || key = cause_key)
    where recovered_at is null and closed_at is null
      and exists (select 1 from dead_letters where 'job_dead:' || key = cause_key)`.execute(db);
  await db.schema
    .createIndex("dead_letters_cause")
    .on("dead_letters")
    .columns(["name", "cause", "job_id"])
    .execute();
}
