import Database from "better-sqlite3";
import { Kysely } from "kysely";
import { onTestFinished } from "vitest";
import type { Db, Schema } from "../../src/store/schema.ts";
import { StoreDialect } from "../../src/store/sqlite/dialect.ts";

/** A database in memory in which there is nothing yet, to be migrated. It goes away with the test. */
export function emptyDatabase(): Db {
  const db: Db = new Kysely<Schema>({ dialect: new StoreDialect(new Database(":memory:")) });
  onTestFinished(() => db.destroy());
  return db;
}
