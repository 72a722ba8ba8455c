import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { Db } from "../schema.ts";
import { SCHEMA_HASHES } from "./schema-hash.ts";

/** One row of `sqlite_master`: a table, an index, a trigger or a view, with the statement that makes it. */
interface SchemaObject {
  type: string;
  name: string;
  tbl_name: string;
  /** Null for an index that a constraint makes. */
  sql: string | null;
}

/** What a database says of itself. */
export interface FoundSchema {
  objects: SchemaObject[];
  /** Names of the migrations that it says it has, in order. */
  applied: string[];
}

/** What a backup says of itself: the one thing that a copy has besides what the migrations make. */
export const MANIFEST_TABLE = {
  type: "table",
  name: "backup_manifest",
  tbl_name: "backup_manifest",
  sql: "CREATE TABLE backup_manifest (agent text not null, version text not null, made_at bigint not null)",
};

/** What the database has, but for the manifest of a backup, and which migrations it says made it. */
export async function readSchema(db: Db): Promise<FoundSchema> {
  const { rows } = await sql<SchemaObject>`
    select type, name, tbl_name, sql from sqlite_master order by type, name, tbl_name`.execute(db);
  const objects = rows.filter((object) => !isSame(object, MANIFEST_TABLE));
  // Asked only of a table: a view of that name could say anything.
  if (!objects.some(({ type, name }) => type === "table" && name === "kysely_migration"))
    return { objects, applied: [] };
  const migrations = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return { objects, applied: migrations.rows.map(({ name }) => name) };
}

/** SHA-256 of a schema, in hex. */
export function hashSchema(objects: readonly SchemaObject[]): string {
  const rows = objects.map(({ type, name, tbl_name, sql }) => [type, name, tbl_name, sql]);
  return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}

/** True when it is what afk made with the migrations that it names, by the hash that is known of them. */
export function isKnownSchema({ objects, applied }: FoundSchema): boolean {
  const level = applied.at(-1);
  if (level === undefined) return objects.length === 0;
  const levels = Object.keys(SCHEMA_HASHES);
  return applied.length === levels.indexOf(level) + 1 && hashSchema(objects) === SCHEMA_HASHES[level];
}

/**
 * How what was found differs from what the same migrations make, in words, at most `DIFFERENCES_MAX` of them. A database
 * without any migration may hold the migrator's own tables, or some of them: another process is making it.
 */
export function schemaDifferences(found: FoundSchema, expected: readonly SchemaObject[]): string[] {
  const isNew = found.applied.length === 0;
  const extra = found.objects.filter((object) => !expected.some((one) => isSame(one, object)));
  const missing = isNew ? [] : expected.filter((object) => !found.objects.some((one) => isSame(one, object)));
  const isChanged = (object: SchemaObject) => extra.some((one) => isNamesake(one, object));
  const differences = [
    ...extra.map(
      (object) =>
        `${describe(object)} ${missing.some((one) => isNamesake(one, object)) ? "was changed" : "does not belong"}`,
    ),
    ...missing.filter((object) => !isChanged(object)).map((object) => `${describe(object)} is missing`),
  ];
  const more = differences.length - DIFFERENCES_MAX;
  return more <= 0 ? differences : [...differences.slice(0, DIFFERENCES_MAX), `${more} more`];
}

const DIFFERENCES_MAX = 5;

function isSame(one: SchemaObject, other: SchemaObject): boolean {
  return isNamesake(one, other) && one.tbl_name === other.tbl_name && one.sql === other.sql;
}

function isNamesake(one: SchemaObject, other: SchemaObject): boolean {
  return one.type === other.type && one.name === other.name;
}

/** The names are whoever's who changed the file: quoted, so that nothing in them reaches a terminal. */
function describe({ type, name, tbl_name }: SchemaObject): string {
  const quote = (text: unknown) => JSON.stringify(String(text).slice(0, 60)).replace(/\p{C}/gu, "?");
  return `the ${type} ${quote(name)}${name === tbl_name ? "" : ` of ${quote(tbl_name)}`}`;
}
