import { existsSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { StoreRefused } from "../store/errors.ts";
import { readMeta } from "../store/meta.ts";
import { isMigrated } from "../store/migrate.ts";
import type { Db } from "../store/schema.ts";
import { openReader } from "../store/sqlite/open-reader.ts";
import { readMark } from "./high-water.ts";
import { refuseOthers } from "./whose-state.ts";

/** What a command that only reads works with. */
export interface Look {
  /** Its paths lead to the copy where the state itself cannot be read as it is. */
  config: Config;
  db: Db;
}

/**
 * Hands the database to `work` as it is and of one moment, by a connection that cannot write. Null where it has to be made,
 * migrated, refused or told of first.
 * @throws OthersState (exit 78), or what `work` throws.
 */
export async function peek<T>(
  config: Config,
  work: (seen: Look) => Promise<T>,
): Promise<{ value: T } | null> {
  const { database, highWater } = config.paths;
  if (!existsSync(database)) return null;
  try {
    const reader = openReader(database);
    try {
      return await reader.read(async (db) => {
        if (!(await isMigrated(db))) return null;
        await refuseOthers(db, config);
        const isOlderCopy = readMark(highWater).generation > (await readMeta(db, "generation"));
        return isOlderCopy ? null : { value: await work({ config, db }) };
      });
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof StoreRefused) return null;
    throw error;
  }
}
