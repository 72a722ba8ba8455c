import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import Database from "better-sqlite3";
import { watchDurableSteps } from "../../faults/durable-steps.ts";
import { replace } from "./replace.ts";

/** What the agent writes to, with failpoints at its durable steps (faults/durable-steps.ts). */
export type Disk = ReturnType<typeof installDisk>;

/** About what a statement takes in the write-ahead log. */
const STATEMENT_BYTES = 4_096;
const BLOCK_BYTES = 4_096;
const PLENTY_BLOCKS = 4 * 1024 * 1024;

/** Puts the disk under this thread for good. */
export function installDisk() {
  const databases = new Set<Database.Database>();
  let freeBytes: number | null = null;
  let steps = 0;
  let armed: { step: number; side: "before" | "after"; act(): void } | null = null;
  let isDead = false;
  let outsiders = 0;

  function refuseDead(): void {
    if (isDead && outsiders === 0) throw new Error("this process of the simulation has ended");
  }

  function failpoint(side: "before" | "after"): void {
    if (armed?.step === steps && armed.side === side) {
      const { act } = armed;
      armed = null;
      act();
    }
    refuseDead();
  }

  function hasRoom(bytes: number): boolean {
    if (freeBytes === null || outsiders > 0) return true;
    if (freeBytes < bytes) return false;
    freeBytes -= bytes;
    return true;
  }

  /** Does what another process does: no step of the agent, and possible whatever has become of it. */
  function outside<T>(work: () => T): T {
    outsiders += 1;
    try {
      return work();
    } finally {
      outsiders -= 1;
    }
  }

  watchDurableSteps({
    durable(_label, work) {
      if (outsiders > 0) return work();
      refuseDead();
      steps += 1;
      failpoint("before");
      const result = work();
      failpoint("after");
      return result;
    },
    use(database) {
      refuseDead();
      if (outsiders === 0) databases.add(database);
    },
    write(database) {
      if (hasRoom(STATEMENT_BYTES)) return;
      // As SQLite does: the transaction is gone.
      if (database.inTransaction) database.exec("rollback");
      throw new Database.SqliteError("database or disk is full", "SQLITE_FULL");
    },
  });

  const { lstatSync } = fs;
  const needRoom = (_to: unknown, content: unknown) => {
    const isBytes = typeof content === "string" || content instanceof Uint8Array;
    if (!hasRoom(isBytes ? Buffer.byteLength(content) : 0))
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  const giveBack = (path: fs.PathLike) => {
    if (freeBytes !== null) freeBytes += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  };
  /** The ways in which the agent writes files, and what is done before each; all of them wait for the disk. */
  const before = {
    writeSync: needRoom,
    writeFileSync: needRoom,
    rmSync: giveBack,
    unlinkSync: giveBack,
    openSync() {},
    mkdirSync() {},
    fsyncSync() {},
  };
  for (const [name, prepare] of Object.entries(before) as [keyof typeof before, typeof needRoom][]) {
    const original = fs[name] as (...parameters: unknown[]) => unknown;
    replace(fs, name, (...parameters: [unknown, unknown]) => {
      refuseDead();
      prepare(...parameters);
      return original(...parameters);
    });
  }
  const freeBlocks = () => (freeBytes === null ? PLENTY_BLOCKS : Math.floor(freeBytes / BLOCK_BYTES));
  replace(fs, "statfsSync", () => ({ bavail: freeBlocks(), bsize: BLOCK_BYTES }));
  syncBuiltinESMExports();

  return {
    /** Durable steps so far. */
    steps: () => steps,
    /** Calls `act` around the step of that number. Only one is armed at a time. */
    arm(step: number, side: "before" | "after", act: () => void) {
      armed = { step, side, act };
    },
    /** Nothing is armed any more. */
    disarm() {
      armed = null;
    },
    /** The process is gone: from here on everything that it tries to read or write fails. */
    kill() {
      isDead = true;
    },
    isKilled: () => isDead,
    /** Lets go of what the dead process held, as the system does, and lets the next one begin. */
    revive() {
      outside(() => {
        for (const database of databases) if (database.open) database.close();
      });
      databases.clear();
      armed = null;
      isDead = false;
    },
    /** So many bytes are left; null is as many as anybody wants. */
    setFree(bytes: number | null) {
      freeBytes = bytes;
    },
    isFull: () => freeBytes !== null,
    outside,
    /**
     * Changes one row of the agent's database as another process does, by a connection of its own. False when nothing was
     * changed, as where the database is busy (two processes would wait for each other; in one thread nobody could) or new.
     */
    runSql: (path: string, sql: string, ...parameters: unknown[]): boolean =>
      outside(() => {
        let database: Database.Database | undefined;
        try {
          database = new Database(path, { fileMustExist: true, timeout: 0 });
          return database.prepare(sql).run(...parameters).changes === 1;
        } catch (error) {
          if (error instanceof Database.SqliteError) return false;
          throw error;
        } finally {
          database?.close();
        }
      }),
  };
}
