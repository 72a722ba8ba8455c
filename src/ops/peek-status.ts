import { existsSync } from "node:fs";
import { StoreRefused } from "../store/errors.ts";
import { readMeta } from "../store/meta.ts";
import { isMigrated } from "../store/migrate.ts";
import { openReader } from "../store/open-reader.ts";
import { readMark } from "./high-water.ts";
import { readStatus, type Status, type StatusSources } from "./status.ts";
import { lookNow } from "./worker.ts";

/**
 * The status by a connection that cannot write, of one moment: a glance needs no models, no outbox and no migrations, and
 * loading those takes longer than the look. Null where the database has to be made, migrated, refused or told of first;
 * opening the agent does that.
 */
export async function peekStatus({
  config,
  version,
  clock,
}: Omit<StatusSources, "db" | "look">): Promise<Status | null> {
  const { database, highWater } = config.paths;
  if (!existsSync(database)) return null;
  const look = lookNow(config, clock);
  try {
    const reader = openReader(database);
    try {
      return await reader.read(async (db) => {
        if (!(await isMigrated(db))) return null;
        const isOlderCopy = readMark(highWater).generation > (await readMeta(db, "generation"));
        return isOlderCopy ? null : await readStatus({ config, version, db, clock, look });
      });
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof StoreRefused) return null;
    throw error;
  }
}
