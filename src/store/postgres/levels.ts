import { type Kysely, type Selectable, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { StoreRefused } from "../errors.ts";
import { LEVEL, MIGRATIONS, type Step } from "../migrations.ts";
import type { MachinesTable } from "../schema/fleet.ts";
import type { Db, Schema } from "../schema.ts";
import type { AtGate } from "./gate.ts";
import { quoted } from "./session.ts";

/** The first with machines and a gate: it finds nobody at work. */
const FIRST = "0013-fleet";

type Older = Pick<Selectable<MachinesTable>, "id" | "part" | "name" | "version">;

/** Machines of a version that cannot work beside a migration hold a lease. Exit code 78. */
export class MachinesOlder extends AfkError {
  constructor(migration: string, machines: readonly Older[]) {
    const names = machines
      .map(({ id, part, name, version }) => {
        const of = part === "gateway" ? "the gateway of " : "";
        return `${of}${name} (${id}, afk ${version})`;
      })
      .join(", ");
    const message =
      `this version of afk changes the database (${migration}) in a way that older ones cannot work beside, and they are at work: ${names}; nothing was changed. ` +
      "End afk there, wait 15 s, and start this version again; until then it can do nothing here, and afk machines and afk stop are for the older one";
    super("machines_older", message, { retry: "never", exitCode: EXIT.config });
  }
}

/**
 * The same migrations, each of which first sees that nobody is at work who cannot go on beside it, and then writes down who can. All in
 * the transaction that it is done in, with the gate locked: nobody takes part meanwhile, and no section has half of its tables.
 */
export function guarded(migrations: Record<string, Step>): Record<string, Migration> {
  const entries = Object.entries(migrations).map(([name, step]): [string, Migration] => {
    if (name <= FIRST) return [name, step];
    // One that does not say it is beside nobody.
    const from = step.beside ?? name;
    return [name, { up: (db) => upBeside(db, { name, from, step }) }];
  });
  return Object.fromEntries(entries);
}

async function upBeside(
  db: Kysely<Schema>,
  { name, from, step }: { name: string; from: string; step: Step },
): Promise<void> {
  await sql`select 1 from gate where id = 1 for update`.execute(db);
  const { rows: older } = await sql<Older>`
    select m.id, m.part, m.name, m.version from machines m, gate
    where m.level < ${from} and m.lost_at is null and m.ended_at is null
      and m.lease_until > greatest(gate.latest_at,
        floor(extract(epoch from clock_timestamp()) * 1000)::bigint + gate.shift_ms)
    order by m.name, m.id, m.part desc`.execute(db);
  if (older.length > 0) throw new MachinesOlder(name, older);
  await step.up(db);
  await sql`update gate set level = ${name}, level_min = greatest(level_min, ${from})`.execute(db);
}

/** Whether all of these migrations are there. */
export function isWhole(applied: readonly string[], known = Object.keys(MIGRATIONS)): boolean {
  return known.every((name) => applied.includes(name));
}

/**
 * Migrations that the schema has, in order; none where it is not there.
 * @throws StoreRefused where it has one that this version does not know, unless the schema says that this one may work with it.
 */
export async function refuseNewer(
  db: Db,
  schema: string,
  known = Object.keys(MIGRATIONS),
): Promise<string[]> {
  const applied = await readApplied(db, schema);
  const isKnown = (name: string) => known.includes(name);
  if (applied.every(isKnown)) return applied;
  // Read as of one moment: another machine may migrate between two statements.
  const { rows } = await sql<{ name: string; level: string; min: string }>`
    select name, level, level_min as min from kysely_migration, gate order by name`.execute(db);
  const last = rows.at(-1);
  const mayWork =
    isWhole(
      rows.map(({ name }) => name),
      known,
    ) &&
    last !== undefined &&
    last.level === last.name &&
    last.min <= (known.toSorted().at(-1) ?? "");
  if (mayWork) return rows.map(({ name }) => name);
  throw newer(applied.filter((name) => !isKnown(name)));
}

/**
 * The same without exception, where whole rows are read or written: what it does not know would be lost.
 * @throws StoreRefused
 */
export async function refuseUnknown(db: Db, schema: string): Promise<string[]> {
  const applied = await readApplied(db, schema);
  const unknown = applied.filter((name) => !(name in MIGRATIONS));
  if (unknown.length > 0) throw newer(unknown);
  return applied;
}

/** Asked in each section: a process that has no lease keeps nobody from migrating. @throws StoreRefused */
export function refuseAtGate({ levels }: AtGate): void {
  if (levels.min > LEVEL) throw newer([levels.newest]);
}

async function readApplied(db: Db, schema: string): Promise<string[]> {
  const table = await sql<{ found: string | null }>`
    select to_regclass(${`${quoted(schema)}.kysely_migration`})::text as found`.execute(db);
  if (table.rows[0]?.found === null) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

function newer(migrations: readonly string[]): StoreRefused {
  const message = `the database is newer than this version of afk (it has ${migrations.join(", ")}); use the version that wrote it or a later one`;
  return new StoreRefused("store_newer", message);
}
