import { sql } from "kysely";
import { Migrator } from "kysely/migration";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { StoreRefused } from "../errors.ts";
import { MIGRATIONS } from "../migrations.ts";
import type { Db } from "../schema.ts";
import { aloneOn, openKysely } from "./dialect.ts";
import { sqlState } from "./errors.ts";
import { quoted, type Session } from "./session.ts";

/** Refused because somebody else made the same thing at the same moment; the second look finds it. */
const RACED = new Set(["23505", "42P06", "42P07", "40P01", "55P03"]);
const TRIES = 20;

/**
 * Makes the schema, and brings it to the newest migration.
 * @throws StoreRefused when it holds a migration that this code does not know, being newer than it.
 */
export async function migrate(
  session: Session,
  { schema }: DatabaseTarget,
  migrations = MIGRATIONS,
): Promise<void> {
  const db = migrating(session);
  for (let tries = 1; ; tries++) {
    try {
      const known = Object.keys(migrations).sort();
      const applied = await readApplied(db, schema);
      refuseNewer(applied, known);
      if (applied.at(-1) === known.at(-1)) return;
      await sql`create schema if not exists ${sql.id(schema)}`.execute(db);
      const provider = { getMigrations: async () => migrations };
      // Other agents of the database have tables of the same names.
      const migrator = new Migrator({ db, provider, migrationTableSchema: schema });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined) throw error;
      return;
    } catch (error) {
      if (tries === TRIES || !RACED.has(sqlState(error))) throw error;
    }
  }
}

/** The same in a transaction that is open already, for a schema that is there. */
export async function migrateWithin(session: Session, { schema }: DatabaseTarget): Promise<void> {
  const db = aloneOn(session);
  const provider = { getMigrations: async () => MIGRATIONS };
  const { error } = await new Migrator({ db, provider, migrationTableSchema: schema }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** Migrations that the schema says it has, in order; none where it is not there. */
export async function readApplied(db: Db, schema: string): Promise<string[]> {
  const table = await sql<{ found: string | null }>`
    select to_regclass(${`${quoted(schema)}.kysely_migration`})::text as found`.execute(db);
  if (table.rows[0]?.found === null) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** @throws StoreRefused */
export function refuseNewer(applied: readonly string[], known: readonly string[]): void {
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const message = `the database is newer than this version of afk (it has ${unknown.join(", ")}); use the version that wrote it or a later one`;
  throw new StoreRefused("store_newer", message);
}

/**
 * All migrations are one transaction. The table of their names is locked first: of two machines that start at once, the second
 * waits, and finds them done.
 */
function migrating(session: Session): Db {
  return openKysely({
    take: async () => session,
    giveBack: () => undefined,
    begin: async () =>
      void (await session.begin("", "lock table kysely_migration in share row exclusive mode")),
    commit: () => session.commit(),
    rollback: () => session.rollback(),
  });
}
