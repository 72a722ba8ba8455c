import Database from "better-sqlite3";
import type { Disk } from "./environment/disk.ts";

/**
 * Sets the kill switch as `afk stop` does, from another process, in the middle of what the agent does: at once, and by a
 * connection of its own. False when the database is busy or has no such row yet; then nothing was set.
 */
export function setKillRow(path: string, disk: Disk, nowMs: number): boolean {
  return disk.outside(() => {
    let database: Database.Database | undefined;
    try {
      // Two processes would wait for each other; in one thread nobody could.
      database = new Database(path, { fileMustExist: true, timeout: 0 });
      const sql =
        "update kill_switch set set_at = ?, reason = 'stopped by the simulation' where id = 1 and set_at is null";
      return database.prepare(sql).run(nowMs).changes === 1;
    } catch (error) {
      if (error instanceof Database.SqliteError) return false;
      throw error;
    } finally {
      database?.close();
    }
  });
}
