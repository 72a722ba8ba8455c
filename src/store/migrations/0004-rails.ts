import { type Kysely, sql } from "kysely";

/** Breakers that only a person clears, the calendar windows that are open, and sums that know the month they count in. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await breakers(db);
  await db.schema
    .createTable("open_periods")
    .addColumn("window", "text", (c) => c.primaryKey().check(sql`"window" in ('day', 'month')`))
    .addColumn("period", "text", (c) => c.notNull())
    .addColumn("opened_at", "bigint", (c) => c.notNull())
    .addColumn("ends_at", "bigint", (c) => c.notNull())
    .addCheckConstraint("open_period_ends", sql`ends_at > opened_at`)
    .execute();
  await ledgerDays(db);
}

/** SQLite changes no CHECK of a table that is there: it is made anew and takes the old one's rows and name. */
async function breakers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("breakers_next")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("state", "text", (c) =>
      c.notNull().check(sql`state in ('closed', 'open', 'half_open', 'blocked')`),
    )
    .addColumn("failures", "integer", (c) => c.notNull().check(sql`failures >= 0`))
    .addColumn("until", "bigint")
    .addColumn("cooldown_ms", "bigint", (c) => c.notNull().check(sql`cooldown_ms > 0`))
    .addColumn("probe", "text")
    .addColumn("reason", "text")
    .addColumn("updated_at", "bigint", (c) => c.notNull())
    .addCheckConstraint("breaker_until", sql`(state in ('open', 'half_open')) = (until is not null)`)
    .addCheckConstraint("breaker_probe", sql`(state = 'half_open') = (probe is not null)`)
    .addCheckConstraint("breaker_blocked", sql`state <> 'blocked' or reason is not null`)
    .execute();
  const columns = sql`name, state, failures, until, cooldown_ms, probe, reason, updated_at`;
  await sql`insert into breakers_next (${columns}) select ${columns} from breakers`.execute(db);
  await db.schema.dropTable("breakers").execute();
  await db.schema.alterTable("breakers_next").renameTo("breakers").execute();
}

async function ledgerDays(db: Kysely<unknown>): Promise<void> {
  const count = ["calls", "counted", "degraded"] as const;
  const amount = ["input_tokens", "output_tokens", "cost_micros", "estimate_micros"] as const;
  let table = db.schema
    .createTable("ledger_days_next")
    .addColumn("first_at", "bigint", (c) => c.notNull())
    .addColumn("day", "text", (c) => c.notNull())
    .addColumn("month", "text", (c) => c.notNull())
    .addColumn("model", "text", (c) => c.notNull())
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('settled', 'released')`));
  for (const name of count) table = table.addColumn(name, "integer", (c) => c.notNull());
  for (const name of amount)
    table = table.addColumn(name, "bigint", (c) => c.notNull().check(sql`${sql.ref(name)} >= 0`));
  await table
    .addPrimaryKeyConstraint("ledger_days_pk", ["first_at", "day", "month", "model", "job", "state"])
    .addCheckConstraint("ledger_days_cost", sql`state = 'settled' or cost_micros = 0`)
    .execute();
  const sums = sql.join([...count, ...amount].map((name) => sql.ref(name)));
  await sql`insert into ledger_days_next (first_at, day, month, model, job, state, ${sums})
    select first_at, day, substr(day, 1, 7), model, job, state, ${sums} from ledger_days`.execute(db);
  await db.schema.dropTable("ledger_days").execute();
  await db.schema.alterTable("ledger_days_next").renameTo("ledger_days").execute();
}
