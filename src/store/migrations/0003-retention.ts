import { type Kysely, sql } from "kysely";

/** What stays of what retention removes, and the indexes by which it finds it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sums(db);
  await db.schema
    .createTable("taken_names")
    .addColumn("kind", "text", (c) => c.notNull().check(sql`kind in ('job', 'output')`))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("taken_at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("taken_names_pk", ["kind", "name"])
    .execute();
  // A job is removed with its files' rows, and SQLite looks for what refers to it each time.
  await db.schema.createIndex("outputs_job").on("outputs").column("job_id").execute();
  await db.schema.createIndex("seen_at").on("seen").column("seen_at").execute();
  await db.schema.createIndex("http_cache_fetched").on("http_cache").column("fetched_at").execute();
}

async function sums(db: Kysely<unknown>): Promise<void> {
  const count = ["calls", "counted", "degraded"] as const;
  const amount = ["input_tokens", "output_tokens", "cost_micros", "estimate_micros"] as const;
  let ledger = db.schema
    .createTable("ledger_days")
    .addColumn("first_at", "bigint", (c) => c.notNull())
    .addColumn("day", "text", (c) => c.notNull())
    .addColumn("model", "text", (c) => c.notNull())
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('settled', 'released')`));
  for (const name of count) ledger = ledger.addColumn(name, "integer", (c) => c.notNull());
  for (const name of amount)
    ledger = ledger.addColumn(name, "bigint", (c) => c.notNull().check(sql`${sql.ref(name)} >= 0`));
  await ledger
    .addPrimaryKeyConstraint("ledger_days_pk", ["first_at", "day", "model", "job", "state"])
    .addCheckConstraint("ledger_days_cost", sql`state = 'settled' or cost_micros = 0`)
    .execute();
  await db.schema
    .createTable("job_days")
    .addColumn("first_at", "bigint", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("runs", "integer", (c) => c.notNull())
    .addColumn("units", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("job_days_pk", ["first_at", "name"])
    .execute();
  await db.schema
    .createTable("tick_days")
    .addColumn("first_at", "bigint", (c) => c.notNull())
    .addColumn("outcome", "text", (c) =>
      c.notNull().check(sql`outcome in ('ok', 'idle', 'halted', 'failed', 'crashed')`),
    )
    .addColumn("ticks", "integer", (c) => c.notNull())
    .addColumn("by_hand", "integer", (c) => c.notNull())
    .addColumn("units", "integer", (c) => c.notNull())
    .addPrimaryKeyConstraint("tick_days_pk", ["first_at", "outcome"])
    .execute();
}
