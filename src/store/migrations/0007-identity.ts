import type { Kysely } from "kysely";

/**
 * Whose state this is: the agents that it belonged to, of which the last one counts. It is empty until an agent opens it;
 * a state from before this table so becomes that of the first agent that does.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("owners")
    .addColumn("id", "integer", (c) => c.primaryKey())
    .addColumn("agent", "text", (c) => c.notNull())
    .addColumn("since_at", "bigint", (c) => c.notNull())
    .execute();
}
