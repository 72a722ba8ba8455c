import { sql } from "kysely";
import { Migrator } from "kysely/migration";
import type { DatabaseTarget } from "../../lib/database-target.ts";
import { MIGRATIONS } from "../migrations.ts";
import type { Db } from "../schema.ts";
import { aloneOn, openKysely } from "./dialect.ts";
import { sqlState } from "./errors.ts";
import { guarded, isWhole, refuseNewer } from "./levels.ts";
import type { Session } from "./session.ts";

/** Refused because somebody else made the same thing at the same moment; the second look finds it. */
const RACED = new Set(["23505", "42P06", "42P07", "40P01", "55P03"]);
const TRIES = 20;

/**
 * Makes the schema, and brings it to the newest migration.
 * @throws StoreRefused when it is newer than this version and not for it, MachinesOlder when older ones would have to end first.
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
      if (isWhole(await refuseNewer(db, schema, known), known)) return;
      await sql`create schema if not exists ${sql.id(schema)}`.execute(db);
      const provider = { getMigrations: async () => guarded(migrations) };
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
  const provider = { getMigrations: async () => guarded(MIGRATIONS) };
  const { error } = await new Migrator({ db, provider, migrationTableSchema: schema }).migrateToLatest();
  if (error !== undefined) throw error;
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
      void (await session.begin(
        "isolation level read committed",
        "lock table kysely_migration in share row exclusive mode",
      )),
    commit: () => session.commit(),
    rollback: () => session.rollback(),
  });
}
