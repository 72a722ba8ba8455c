import { type Kysely, type RawBuilder, sql } from "kysely";

const AMOUNTS = ["micros", "tokens", "calls"] as const;
const CALENDAR = ["day", "week", "month"] as const;
const DATED = [["hour", "minute"] as const, ...CALENDAR.map((name) => [name, name] as const)];

/**
 * Windows by the week, in tokens and in calls, and windows of their own for each name of a job and each client. Every
 * table is made anew, since a CHECK of one that is there cannot be changed, and takes over what the old one holds. Money
 * is carried over as it stands; what the new counters hold is added up from the ledger and from what was rolled up of it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await namesOfWeeks(db);
  await ledger(db);
  await ledgerDays(db);
  await openPeriods(db);
  await budgetWindows(db);
  await db.schema.dropTable("weeks").execute();
}

/** The ISO week of each day that calls counted in. Worked out here: the engines' own functions for it differ. */
async function namesOfWeeks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("weeks")
    .addColumn("day", "text", (c) => c.primaryKey())
    .addColumn("week", "text", (c) => c.notNull())
    .execute();
  const { rows } = await sql<{
    day: string;
  }>`select day from ledger union select day from ledger_days`.execute(db);
  for (const { day } of rows)
    await sql`insert into weeks (day, week) values (${day}, ${isoWeek(day)})`.execute(db);
}

async function ledger(db: Kysely<unknown>): Promise<void> {
  let table = db.schema
    .createTable("ledger_next")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("state", "text", (c) =>
      c.notNull().check(sql`state in ('reserved', 'sending', 'unknown', 'settled', 'released')`),
    )
    .addColumn("model", "text", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("deadline_at", "bigint", (c) => c.notNull())
    .addColumn("finished_at", "bigint")
    .addColumn("estimate_micros", "bigint", (c) => c.notNull().check(sql`estimate_micros >= 0`))
    .addColumn("estimate_tokens", "bigint", (c) => c.notNull().check(sql`estimate_tokens >= 0`))
    .addColumn("cost_micros", "bigint", (c) => c.check(sql`cost_micros >= 0`))
    .addColumn("cost_tokens", "bigint", (c) => c.check(sql`cost_tokens >= 0`))
    .addColumn("input_tokens", "bigint")
    .addColumn("output_tokens", "bigint");
  for (const name of ["minute", ...CALENDAR]) table = table.addColumn(name, "text", (c) => c.notNull());
  for (const name of ["tick", "job", "job_name", "client", "step", "runner", "request_hash"])
    table = table.addColumn(name, "text");
  await table
    .addColumn("degraded", "integer", (c) => c.notNull().check(sql`degraded in (0, 1)`))
    .addColumn("error", "text")
    .addCheckConstraint("ledger_cost", sql`(state = 'settled') = (cost_micros is not null)`)
    .addCheckConstraint("ledger_tokens", sql`(state = 'settled') = (cost_tokens is not null)`)
    .execute();
  const kept =
    `state model created_at deadline_at finished_at estimate_micros cost_micros input_tokens output_tokens
    minute month tick job step runner request_hash degraded error`.split(/\s+/);
  const [same, from] = [sql.raw(kept.join(", ")), sql.raw(kept.map((name) => `l.${name}`).join(", "))];
  // No bound in tokens was reserved before: what is open or unknown counts none, and keeps its bound in dollars.
  await sql`insert into ledger_next (id, ${same}, estimate_tokens, cost_tokens, day, week, job_name)
    select l.id, ${from}, coalesce(l.input_tokens + l.output_tokens, 0),
      case when l.state = 'settled' then coalesce(l.input_tokens + l.output_tokens, 0) end, l.day, weeks.week, jobs.name
    from ledger l join weeks on weeks.day = l.day left join jobs on jobs.key = l.job
    order by l.id`.execute(db);
  await replace(db, "ledger");
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

async function ledgerDays(db: Kysely<unknown>): Promise<void> {
  const count = ["calls", "counted", "degraded"] as const;
  const amount = ["input_tokens", "output_tokens", "cost_micros", "cost_tokens", "estimate_micros"] as const;
  let table = db.schema
    .createTable("ledger_days_next")
    .addColumn("first_at", "bigint", (c) => c.notNull())
    .addColumn("day", "text", (c) => c.notNull())
    .addColumn("week", "text", (c) => c.notNull())
    .addColumn("month", "text", (c) => c.notNull())
    .addColumn("model", "text", (c) => c.notNull())
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("client", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull().check(sql`state in ('settled', 'released')`));
  for (const name of count) table = table.addColumn(name, "integer", (c) => c.notNull());
  for (const name of amount)
    table = table.addColumn(name, "bigint", (c) => c.notNull().check(sql`${sql.ref(name)} >= 0`));
  await table
    .addPrimaryKeyConstraint("ledger_days_pk", [
      ...(["first_at", "day", "week", "month", "model", "job", "client", "state"] as const),
    ])
    .addCheckConstraint("ledger_days_cost", sql`state = 'settled' or (cost_micros = 0 and cost_tokens = 0)`)
    .execute();
  await sql`insert into ledger_days_next (first_at, day, week, month, model, job, client, state, calls, counted,
      degraded, input_tokens, output_tokens, cost_micros, cost_tokens, estimate_micros)
    select d.first_at, d.day, weeks.week, d.month, d.model, d.job, '', d.state, d.calls, d.counted, d.degraded,
      d.input_tokens, d.output_tokens, d.cost_micros,
      case when d.state = 'settled' then d.input_tokens + d.output_tokens else 0 end, d.estimate_micros
    from ledger_days d join weeks on weeks.day = d.day`.execute(db);
  await replace(db, "ledger_days");
}

async function openPeriods(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("open_periods_next")
    .addColumn("window", "text", (c) => c.primaryKey().check(sql`"window" in (${words(CALENDAR)})`))
    .addColumn("period", "text", (c) => c.notNull())
    .addColumn("opened_at", "bigint", (c) => c.notNull())
    .addColumn("ends_at", "bigint", (c) => c.notNull())
    .addCheckConstraint("open_period_ends", sql`ends_at > opened_at`)
    .execute();
  await sql`insert into open_periods_next ("window", period, opened_at, ends_at)
    select "window", period, opened_at, ends_at from open_periods`.execute(db);
  await replace(db, "open_periods");
}

async function budgetWindows(db: Kysely<unknown>): Promise<void> {
  const names = ["tick", "job", ...DATED.map(([name]) => name)];
  let table = db.schema
    .createTable("budget_windows_next")
    .addColumn("window", "text", (c) => c.notNull().check(sql`"window" in (${words(names)})`))
    .addColumn("scope", "text", (c) => c.notNull().defaultTo("agent"))
    .addColumn("period", "text", (c) => c.notNull());
  for (const amount of AMOUNTS) {
    const cap = sql.ref(`cap_${amount}`);
    table = table.addColumn(`cap_${amount}`, "bigint", (c) => c.check(sql`${cap} >= 0`));
    for (const what of ["settled", "reserved", "overrun"]) {
      const column = sql.ref(`${what}_${amount}`);
      table = table.addColumn(`${what}_${amount}`, "bigint", (c) =>
        c.notNull().defaultTo(0).check(sql`${column} >= 0`),
      );
    }
  }
  for (const amount of AMOUNTS) {
    const column = (what: string) => sql.ref(`${what}_${amount}`);
    table = table.addCheckConstraint(
      `budget_cap_${amount}`,
      sql`${column("cap")} is null or ${column("settled")} - ${column("overrun")} + ${column("reserved")} <= ${column("cap")}`,
    );
  }
  await table
    .addPrimaryKeyConstraint("budget_windows_by_scope", ["window", "scope", "period"])
    .addCheckConstraint("budget_scope", sql`scope = 'agent' or "window" not in ('tick', 'job')`)
    .execute();
  await fillWindows(db);
  await replace(db, "budget_windows");
}

/** Each window of the agent takes its money from the counter it had; all else is added up from the ledger. */
async function fillWindows(db: Kysely<unknown>): Promise<void> {
  const counted: RawBuilder<unknown>[] = [
    sql`select "window", 'agent' as scope, period, cap_micros, settled_micros, reserved_micros, overrun_micros,
      0 as settled_tokens, 0 as settled_calls, 0 as reserved_calls from budget_windows`,
    ...["tick", "job"].map((name) => entries(name, sql`'agent'`, name, "none")),
    ...DATED.map(([name, column]) => entries(name, sql`'agent'`, column, name === "week" ? "money" : "none")),
    ...CALENDAR.map((name) => days(name, sql`'agent'`, name === "week" ? "money" : "none")),
    ...DATED.map(([name, column]) => entries(name, sql`'job:' || job_name`, column, "money")),
    ...CALENDAR.map((name) => days(name, sql`'job:' || job`, "money")),
  ];
  await sql`insert into budget_windows_next ("window", scope, period, cap_micros, settled_micros, reserved_micros,
      overrun_micros, settled_tokens, settled_calls, reserved_calls)
    select "window", scope, period, max(cap_micros), sum(settled_micros), sum(reserved_micros), sum(overrun_micros),
      sum(settled_tokens), sum(settled_calls), sum(reserved_calls)
    from (${sql.join(counted, sql` union all `)}) as counted
    group by "window", scope, period`.execute(db);
}

/** What the ledger's entries count in one window, with their money or, where a counter was carried over, without. */
function entries(
  name: string,
  scope: RawBuilder<unknown>,
  column: string,
  money: "money" | "none",
): RawBuilder<unknown> {
  const period = sql.ref(column);
  const isOpen = sql`state in ('reserved', 'sending', 'unknown')`;
  const [settled, reserved, overrun] =
    money === "none"
      ? [sql`0`, sql`0`, sql`0`]
      : [
          sql`coalesce(cost_micros, 0)`,
          sql`case when ${isOpen} then estimate_micros else 0 end`,
          sql`case when cost_micros > estimate_micros then cost_micros - estimate_micros else 0 end`,
        ];
  return sql`select ${sql.lit(name)}, ${scope}, ${period}, null, ${settled}, ${reserved}, ${overrun},
    coalesce(cost_tokens, 0), case when state = 'settled' then 1 else 0 end, case when ${isOpen} then 1 else 0 end
    from ledger where ${period} is not null and ${scope} is not null`;
}

/** The same of what retention has rolled up of them. */
function days(name: string, scope: RawBuilder<unknown>, money: "money" | "none"): RawBuilder<unknown> {
  const settled = money === "none" ? sql`0` : sql`cost_micros`;
  return sql`select ${sql.lit(name)}, ${scope}, ${sql.ref(name)}, null, ${settled}, 0, 0, cost_tokens,
    case when state = 'settled' then calls else 0 end, 0
    from ledger_days where ${scope} <> 'job:'`;
}

async function replace(db: Kysely<unknown>, table: string): Promise<void> {
  await db.schema.dropTable(table).execute();
  await db.schema.alterTable(`${table}_next`).renameTo(table).execute();
}

function words(names: readonly string[]): RawBuilder<unknown> {
  return sql.join(names.map((name) => sql.lit(name)));
}

/** `2026-W48`, of a day `2026-11-25`. As lib/windows.ts does it; written here since a migration never changes. */
function isoWeek(day: string): string {
  const dayMs = 86_400_000;
  const noon = Date.parse(`${day}T00:00:00Z`);
  const thursday = noon + (3 - ((new Date(noon).getUTCDay() + 6) % 7)) * dayMs;
  const year = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / dayMs / 7);
  return `${year}-W${String(week).padStart(2, "0")}`;
}
