import type { Db } from "./schema.ts";
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
