import Database from "better-sqlite3";
import { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { StoreRefused } from "../errors.ts";
import { MIGRATIONS } from "../migrations.ts";
import type { Db, Schema } from "../schema.ts";
import { StoreDialect } from "./dialect.ts";
import { type FoundSchema, isKnownSchema, readSchema, schemaDifferences } from "./schema-check.ts";

/**
 * Brings the database to the newest migration.
 * @throws StoreRefused when it holds a migration that this code does not know, being newer than it, or anything that the
 * migrations do not make: a trigger or a view that somebody added would change what afk's own statements do.
 */
export async function migrate(db: Db, migrations: Record<string, Migration> = MIGRATIONS): Promise<void> {
  const known = Object.keys(migrations).sort();
  const { applied } = await refuseForeignSchema(db, migrations);
  // The usual start: nothing to do, and the Migrator's own checks would cost more than all the rest of opening.
  if (applied.at(-1) === known.at(-1)) return;
  await runMigrations(db, migrations);
  await refuseForeignSchema(db, migrations);
}

/** @throws StoreRefused as `migrate` does. Only reads. */
export async function refuseForeignSchema(
  db: Db,
  migrations: Record<string, Migration> = MIGRATIONS,
): Promise<FoundSchema> {
  let found = await readSchema(db);
  if (isKnownSchema(found)) return found;
  // Read again as of one moment: another process may have made or migrated it between the two statements.
  if (!db.isTransaction) found = await db.transaction().execute(readSchema);
  const known = Object.keys(migrations).sort();
  const unknown = found.applied.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const message = `the database is newer than this version of afk (it has ${unknown.join(", ")}); use the version that wrote it or a later one`;
    throw new StoreRefused("store_newer", message);
  }
  const expected = await schemaAt(known.slice(0, found.applied.length), migrations);
  const differences = schemaDifferences(found, expected);
  if (differences.length === 0) return found;
  throw new StoreRefused(
    "store_foreign",
    `the database holds what no version of afk makes, and is not worked with: ${differences.join("; ")}. Nothing was changed. Restore a backup that is whole: afk restore FILE`,
  );
}

/** True when there is nothing to migrate and nothing to refuse. Only reads. */
export async function isMigrated(db: Db): Promise<boolean> {
  const found = await readSchema(db);
  return found.applied.length === Object.keys(MIGRATIONS).length && isKnownSchema(found);
}

/** What these migrations make, by making it in memory: exact whatever builds the statements, and too slow for each start. */
export async function schemaAt(
  names: readonly string[],
  migrations: Record<string, Migration> = MIGRATIONS,
): Promise<FoundSchema["objects"]> {
  const database = new Database(":memory:");
  const db: Db = new Kysely<Schema>({ dialect: new StoreDialect(database) });
  try {
    const wanted = Object.entries(migrations).filter(([name]) => names.includes(name));
    await runMigrations(db, Object.fromEntries(wanted));
    return (await readSchema(db)).objects;
  } finally {
    await db.destroy();
  }
}

async function runMigrations(db: Db, migrations: Record<string, Migration>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
