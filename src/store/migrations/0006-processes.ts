import { type Kysely, sql } from "kysely";

/** What jobs have started outside of afk, written down before it runs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("processes")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("job", "text", (c) => c.notNull())
    .addColumn("runner", "text", (c) => c.notNull())
    .addColumn("containment", "text", (c) => c.notNull())
    .addColumn("pid", "integer", (c) => c.notNull().check(sql`pid > 0`))
    .addColumn("started", "text", (c) => c.notNull())
    .addColumn("boot_id", "text", (c) => c.notNull())
    .addColumn("cookie", "text", (c) => c.notNull())
    .addColumn("file_size_blocks", "bigint", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .execute();
}
