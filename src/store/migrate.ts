import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { StoreRefused } from "./errors.ts";
import * as first from "./migrations/0001-first.ts";
import * as evidence from "./migrations/0002-evidence.ts";
import * as retention from "./migrations/0003-retention.ts";
import * as rails from "./migrations/0004-rails.ts";
import * as identity from "./migrations/0007-identity.ts";
import type { Schema } from "./schema.ts";

/** Append-only and up-only: a released migration is never edited, and the next one gets the next number. */
const MIGRATIONS: Record<string, Migration> = {
  "0001-first": first,
  "0002-evidence": evidence,
  "0003-retention": retention,
  "0004-rails": rails,
  "0007-identity": identity,
};

/**
 * Brings the database to the newest migration.
 * @throws StoreRefused when it holds a migration that this code does not know, being newer than it.
 */
export async function migrate(db: Kysely<Schema>, migrations = MIGRATIONS): Promise<void> {
  const known = Object.keys(migrations).sort();
  const applied = await appliedMigrations(db);
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new StoreRefused(
      "store_newer",
      `the database is newer than this version of afk (it has ${unknown.join(", ")}); use the version that wrote it or a later one`,
    );
  }
  // The usual start: nothing to do, and the Migrator's own checks would cost more than all the rest of opening.
  if (applied.at(-1) === known.at(-1)) return;
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** True when there is nothing to migrate. Only reads. */
export async function isMigrated(db: Kysely<Schema>): Promise<boolean> {
  const applied = await appliedMigrations(db);
  const known = Object.keys(MIGRATIONS);
  return applied.length === known.length && applied.every((name) => known.includes(name));
}

async function appliedMigrations(db: Kysely<Schema>): Promise<string[]> {
  const table = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table' and name = 'kysely_migration'`.execute(db);
  if (table.rows.length === 0) return [];
  const rows = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.rows.map((row) => row.name);
}
