import { type Kysely, sql } from "kysely";

/**
 * What several machines need beside what one does: the row that every section locks first, the machines, who does what
 * is to be done once, and whose each run, tick, file and process is. On SQLite the gate's row stays as it is made here.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("gate")
    .addColumn("id", "integer", (c) => c.primaryKey().check(sql`id = 1`))
    .addColumn("generation", "bigint", (c) => c.notNull().check(sql`generation >= 0`))
    .addColumn("latest_at", "bigint", (c) => c.notNull())
    .addColumn("epoch", "bigint", (c) => c.notNull().check(sql`epoch >= 0`))
    .addColumn("system_id", "text", (c) => c.notNull())
    .addColumn("timeline", "text", (c) => c.notNull())
    .addColumn("shift_ms", "bigint", (c) => c.notNull())
    .addColumn("clock_set", "bigint", (c) => c.notNull())
    // The newest migration, and the one that a version has to know to work with it: kept by postgres/levels.ts.
    .addColumn("level", "text", (c) => c.notNull())
    .addColumn("level_min", "text", (c) => c.notNull().check(sql`level_min <= level`))
    .execute();
  await sql`insert into gate (id, generation, latest_at, epoch, system_id, timeline, shift_ms, clock_set, level, level_min)
    values (1, 0, 0, 0, '', '', 0, 0, '0013-fleet', '0013-fleet')`.execute(db);
  await db.schema
    .createTable("commits")
    // A process that writes, and the last of its transactions: whoever does not hear of a commit asks for it here.
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("number", "bigint", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .execute();
  await db.schema
    .createTable("database_events")
    // Of the gate, when it was found.
    .addColumn("generation", "bigint", (c) => c.notNull())
    .addColumn("event", "text", (c) => c.notNull().check(sql`event in ('failover_seen', 'clock_jump')`))
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("told_at", "bigint")
    .addColumn("confirmed_at", "bigint")
    .addPrimaryKeyConstraint("database_events_key", ["generation", "event"])
    .execute();
  await db.schema
    .createTable("machines")
    .addColumn("id", "text", (c) => c.notNull())
    // What its process does: runs jobs, or serves clients. One machine may have a process of each.
    .addColumn("part", "text", (c) =>
      c.notNull().defaultTo("worker").check(sql`part in ('worker', 'gateway')`),
    )
    // What claims and the ledger name: another one each time that a process takes the machine's part.
    .addColumn("runner", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("boot_id", "text", (c) => c.notNull())
    .addColumn("pid", "integer", (c) => c.notNull())
    .addColumn("process_started", "text", (c) => c.notNull())
    .addColumn("version", "text", (c) => c.notNull())
    .addColumn("level", "text", (c) => c.notNull())
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("lease_until", "bigint", (c) => c.notNull())
    .addColumn("looked_at", "bigint", (c) => c.notNull())
    .addColumn("clock_off_ms", "bigint", (c) => c.notNull())
    .addColumn("lost_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addPrimaryKeyConstraint("machines_key", ["id", "part"])
    .execute();
  await db.schema
    .createTable("chores")
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("runner", "text", (c) => c.notNull())
    .addColumn("token", "bigint", (c) => c.notNull())
    .addColumn("until", "bigint", (c) => c.notNull())
    .execute();
  for (const table of ["ticks", "outputs", "processes", "drafts"])
    await db.schema.alterTable(table).addColumn("machine", "text").execute();
  await sql`create unique index jobs_running on jobs (name) where state = 'running'`.execute(db);
}
