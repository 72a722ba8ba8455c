import { join } from "node:path";
import Database from "better-sqlite3";
import { openStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import type { Tools } from "./benchmark.ts";
import { inBulk } from "./fill.ts";

type Fill = (database: Database.Database) => void;

/** A database with afk's own tables, indexes and constraints, and nothing of afk between it and who writes to it. */
export async function rawDatabase(tools: Tools, fill?: Fill): Promise<Database.Database> {
  const database = new Database(await filledDatabase(join(tools.folder(), "raw.db"), fill));
  // Those of src/store/sqlite/open.ts.
  for (const pragma of [
    "synchronous = FULL",
    "fullfsync = ON",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "journal_size_limit = 8388608",
  ]) {
    database.pragma(pragma);
  }
  tools.after(() => database.close());
  return database;
}

/** afk's own store on such a database. */
export async function benchStore(tools: Tools, fill?: Fill): Promise<Store> {
  const store = await openStore(await filledDatabase(join(tools.folder(), "afk.db"), fill));
  tools.after(() => store.close());
  return store;
}

/** Makes the tables at `path`, and fills them in bulk. */
export async function filledDatabase(path: string, fill?: Fill): Promise<string> {
  const store = await openStore(path);
  await store.close();
  if (fill === undefined) return path;
  const database = new Database(path);
  try {
    inBulk(database, () => fill(database));
  } finally {
    database.close();
  }
  return path;
}
