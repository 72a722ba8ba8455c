import { type Kysely, sql } from "kysely";
import { alerts, egress, runner } from "./0001-first-reports.ts";

/** Everything the first release keeps. CHECK constraints repeat what the code asserts. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await rails(db);
  await ledger(db);
  await queue(db);
  await products(db);
  await alerts(db);
  await runner(db);
  await egress(db);
}

async function rails(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("kill_switch")
    .addColumn("id", "integer", (c) => c.primaryKey().check(sql`id = 1`))
    .addColumn("set_at", "bigint")
    .addColumn("reason", "text")
    .addCheckConstraint("kill_reason", sql`set_at is not null or reason is null`)
    .execute();
  await sql`insert into kill_switch (id) values (1)`.execute(db);
  await db.schema
    .createTable("breakers")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('closed', 'open', 'half_open')`))
    .addColumn("failures", "integer", (c) => c.notNull().check(sql`failures >= 0`))
    .addColumn("until", "bigint")
    .addColumn("cooldown_ms", "bigint", (c) => c.notNull().check(sql`cooldown_ms > 0`))
    .addColumn("probe", "text")
    .addColumn("reason", "text")
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addCheckConstraint("breaker_until", sql`(state = 'closed') = (until is null)`)
    .addCheckConstraint("breaker_probe", sql`(state = 'half_open') = (probe is not null)`)
    .execute();
  await db.schema
    .createTable("budget_clock")
    .addColumn("id", "integer", (c) => c.primaryKey().check(sql`id = 1`))
    .addColumn("latest_at", "bigint", (c) => c.notNull())
    .addColumn("anchor_at", "bigint", (c) => c.notNull())
    .addColumn("uptime_ms", "bigint", (c) => c.notNull())
    .addColumn("boot_id", "text", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("budget_windows")
    .addColumn("window", "text", (c) =>
      c.notNull().check(sql`"window" in ('tick', 'job', 'hour', 'day', 'month')`),
    )
    .addColumn("period", "text", (c) => c.notNull())
    .addColumn("cap_micros", "bigint", (c) => c.check(sql`cap_micros >= 0`))
    .addColumn("settled_micros", "bigint", (c) => c.notNull().check(sql`settled_micros >= 0`))
    .addColumn("reserved_micros", "bigint", (c) => c.notNull().check(sql`reserved_micros >= 0`))
    .addColumn("overrun_micros", "bigint", (c) => c.notNull().check(sql`overrun_micros >= 0`))
    .addPrimaryKeyConstraint("budget_windows_pk", ["window", "period"])
    .addCheckConstraint(
      "budget_cap",
      sql`cap_micros is null or settled_micros - overrun_micros + reserved_micros <= cap_micros`,
    )
    .execute();
}

async function ledger(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("ledger")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("state", "text", (c) =>
      c.notNull().check(sql`state in ('reserved', 'sending', 'unknown', 'settled', 'released')`),
    )
    .addColumn("model", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("deadline_at", "bigint", (c) => c.notNull())
    .addColumn("finished_at", "bigint")
    .addColumn("estimate_micros", "bigint", (c) => c.notNull().check(sql`estimate_micros >= 0`))
    .addColumn("cost_micros", "bigint", (c) => c.check(sql`cost_micros >= 0`))
    .addColumn("input_tokens", "bigint")
    .addColumn("output_tokens", "bigint")
    .addColumn("minute", "text", (c) => c.notNull())
    .addColumn("day", "text", (c) => c.notNull())
    .addColumn("month", "text", (c) => c.notNull())
    .addColumn("job", "text")
    .addColumn("tick", "text")
    .addColumn("step", "text")
    .addColumn("runner", "text")
    .addColumn("request_hash", "text")
    .addColumn("degraded", "integer", (c) => c.notNull().check(sql`degraded in (0, 1)`))
    .addColumn("error", "text")
    .addCheckConstraint("ledger_cost", sql`(state = 'settled') = (cost_micros is not null)`)
    .execute();
  // What is under way or unknown is looked for at every start; it is never more than a few rows.
  await sql`create index ledger_open on ledger (state) where state in ('reserved', 'sending', 'unknown')`.execute(
    db,
  );
  await db.schema.createIndex("ledger_created").on("ledger").column("created_at").execute();
  await db.schema
    .createIndex("ledger_request")
    .on("ledger")
    .columns(["request_hash", "created_at"])
    .execute();
  await db.schema.createIndex("ledger_tick").on("ledger").column("tick").execute();
}

async function queue(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("jobs")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("key", "text", (c) => c.notNull().unique())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("payload", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('ready', 'running', 'done', 'dead')`))
    .addColumn("attempts", "integer", (c) => c.notNull().check(sql`attempts >= 0`))
    .addColumn("max_attempts", "integer", (c) => c.notNull().check(sql`max_attempts > 0`))
    .addColumn("run_at", "bigint", (c) => c.notNull())
    .addColumn("lease_until", "bigint")
    .addColumn("token", "bigint", (c) => c.notNull())
    .addColumn("runner", "text")
    .addColumn("error", "text")
    .addColumn("units", "integer", (c) => c.notNull())
    .addColumn("by_hand", "integer", (c) => c.notNull().check(sql`by_hand in (0, 1)`))
    .addColumn("slot_at", "bigint", (c) => c.notNull())
    .addColumn("label", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addCheckConstraint("job_lease", sql`(state = 'running') = (lease_until is not null)`)
    .addCheckConstraint("job_attempts", sql`attempts <= max_attempts`)
    .execute();
  await db.schema.createIndex("jobs_due").on("jobs").columns(["state", "run_at", "id"]).execute();
  await db.schema
    .createTable("dead_letters")
    .addColumn("job_id", "text", (c) => c.primaryKey().references("jobs.id"))
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("payload", "text", (c) => c.notNull())
    .addColumn("error", "text", (c) => c.notNull())
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addColumn("trace", "text", (c) => c.notNull())
    .addColumn("died_at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("steps")
    .addColumn("job_id", "text", (c) => c.notNull().references("jobs.id"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("result", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("steps_pk", ["job_id", "name"])
    .execute();
}

async function products(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("outputs")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("job_id", "text", (c) => c.notNull().references("jobs.id"))
    .addColumn("content", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('pending', 'published')`))
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("published_at", "bigint")
    .addCheckConstraint("output_published", sql`(state = 'published') = (published_at is not null)`)
    .execute();
  await sql`create index outputs_pending on outputs (state) where state = 'pending'`.execute(db);
  await db.schema
    .createTable("drafts")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("job_id", "text", (c) => c.notNull().references("jobs.id"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("action", "text", (c) => c.notNull())
    .addColumn("content", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) =>
      c.notNull().check(sql`state in ('pending', 'approving', 'done', 'unknown', 'rejected')`),
    )
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("attempted_at", "bigint")
    .addColumn("decided_at", "bigint")
    .addColumn("summary", "text")
    .addColumn("error", "text")
    .addUniqueConstraint("drafts_once", ["job_id", "name"])
    .addCheckConstraint(
      "draft_attempted",
      sql`state not in ('approving', 'done', 'unknown') or attempted_at is not null`,
    )
    .addCheckConstraint("draft_decided", sql`(state in ('done', 'rejected')) = (decided_at is not null)`)
    .addCheckConstraint("draft_summary", sql`(state = 'done') = (summary is not null)`)
    .execute();
  await db.schema
    .createTable("seen")
    .addColumn("job_name", "text", (c) => c.notNull())
    .addColumn("key", "text", (c) => c.notNull())
    .addColumn("seen_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("seen_pk", ["job_name", "key"])
    .execute();
}
