import { PostgresAdapter, type SelectQueryBuilder } from "kysely";
import type { Db } from "./schema.ts";

/**
 * For a query whose rows are about to be changed: it passes over those that somebody else is changing, and locks its own. In
 * SQLite nobody writes beside a section, and there is no word for it.
 */
export function skipLocked(db: Db) {
  const isNeeded = db.getExecutor().adapter instanceof PostgresAdapter;
  return <Database, Tables extends keyof Database, Row>(
    query: SelectQueryBuilder<Database, Tables, Row>,
  ): SelectQueryBuilder<Database, Tables, Row> => (isNeeded ? query.forUpdate().skipLocked() : query);
}
