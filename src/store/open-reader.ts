import { existsSync } from "node:fs";
import type { StatePlace } from "./open.ts";
import type { Db } from "./schema.ts";
import { openReader } from "./sqlite/open-reader.ts";
import type { Changes } from "./store.ts";

/** A connection that cannot write, beside those that do the work. */
export interface Reader {
  /** Everything that `work` reads is of one moment. One at a time; it holds only SQL. */
  read<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /**
   * Whether the tables are there as this version knows them: asked in a `read`, so that it is true of what that sees.
   * @throws StoreRefused where somebody has to do something about it first.
   */
  isMigrated(db: Db): Promise<boolean>;
  changes: Changes;
  /** True once the path leads to another file than the one that is open: it was replaced, or a copy restored over it. */
  isReplaced(): boolean;
  close(): Promise<void>;
}

/**
 * Opens the state to look at it; null where no file is there yet. Nothing of PostgreSQL is loaded where there is no fleet.
 * @throws StoreRefused when it cannot be read, and StoreUnreachable (exit 69) where the database is away.
 */
export async function openReaderAt({ path, target }: StatePlace): Promise<Reader | null> {
  if (target === null) return existsSync(path) ? openReader(path) : null;
  const { openPostgresReader } = await import("./postgres/open-reader.ts");
  return openPostgresReader(target);
}
