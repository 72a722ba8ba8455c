import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import Database from "better-sqlite3";
import { replace } from "./replace.ts";

/**
 * What the agent writes to, with a hand on it. A durable step is a commit, a statement that writes outside of a
 * transaction, or a file that takes its name.
 */
export interface Disk {
  /** Durable steps so far. */
  steps(): number;
  /** Calls `act` around the step of that number. Only one is armed at a time. */
  arm(step: number, side: "before" | "after", act: () => void): void;
  /** The process is gone: from here on everything that it tries to read or write fails. */
  kill(): void;
  isKilled(): boolean;
  /** Lets go of what the dead process held, as the system does, and lets the next one begin. */
  revive(): void;
  /** Nothing is armed any more. */
  disarm(): void;
  /** So many bytes are left; null is as many as anybody wants. */
  setFree(bytes: number | null): void;
  isFull(): boolean;
  /** Does what another process does: no step of the agent, and possible whatever has become of it. */
  outside<T>(work: () => T): T;
}

/** About what a statement takes in the write-ahead log. */
const STATEMENT_BYTES = 4_096;
const BLOCK_BYTES = 4_096;
const PLENTY_BLOCKS = 4 * 1024 * 1024;

const WRITES = /^\s*(?:insert|update|delete|replace|create|alter|drop)\b/i;
const COMMITS = /^\s*commit\b/i;

export function installDisk(): Disk {
  const databases = new Set<Database.Database>();
  let freeBytes: number | null = null;
  let steps = 0;
  let armed: { step: number; side: "before" | "after"; act(): void } | null = null;
  let isDead = false;
  let outsiders = 0;

  const refuseDead = () => {
    if (isDead && outsiders === 0) throw new Error("this process of the simulation has ended");
  };

  function failpoint(side: "before" | "after"): void {
    if (armed?.step === steps && armed.side === side) {
      const { act } = armed;
      armed = null;
      act();
    }
    refuseDead();
  }

  function durable<T>(work: () => T): T {
    if (outsiders > 0) return work();
    refuseDead();
    steps += 1;
    failpoint("before");
    const result = work();
    failpoint("after");
    return result;
  }

  const hasRoom = (bytes: number) => {
    if (freeBytes === null || outsiders > 0) return true;
    if (freeBytes < bytes) return false;
    freeBytes -= bytes;
    return true;
  };

  watchDatabases({ databases, refuseDead, durable, hasRoom, isOutside: () => outsiders > 0 });
  watchFiles({
    refuseDead,
    durable,
    hasRoom,
    giveBack(bytes) {
      if (freeBytes !== null) freeBytes += bytes;
    },
    freeBlocks: () => (freeBytes === null ? PLENTY_BLOCKS : Math.floor(freeBytes / BLOCK_BYTES)),
  });

  const disk: Disk = {
    steps: () => steps,
    arm(step, side, act) {
      armed = { step, side, act };
    },
    kill() {
      isDead = true;
    },
    isKilled: () => isDead,
    revive() {
      disk.outside(() => {
        for (const database of databases) if (database.open) database.close();
      });
      databases.clear();
      armed = null;
      isDead = false;
    },
    disarm() {
      armed = null;
    },
    setFree(bytes) {
      freeBytes = bytes;
    },
    isFull: () => freeBytes !== null,
    outside(work) {
      outsiders += 1;
      try {
        return work();
      } finally {
        outsiders -= 1;
      }
    },
  };
  return disk;
}

interface DatabaseHooks {
  databases: Set<Database.Database>;
  refuseDead(): void;
  durable<T>(work: () => T): T;
  hasRoom(bytes: number): boolean;
  isOutside(): boolean;
}

function watchDatabases({ databases, refuseDead, durable, hasRoom, isOutside }: DatabaseHooks): void {
  const { prepare, exec, pragma } = Database.prototype;
  const dirty = new WeakSet<Database.Database>();

  function run<T>(database: Database.Database, sql: string, work: () => T): T {
    refuseDead();
    const isWrite = WRITES.test(sql);
    if (!isWrite && !COMMITS.test(sql)) return work();
    if (!hasRoom(STATEMENT_BYTES)) {
      // As SQLite does: the transaction is gone.
      if (database.inTransaction) exec.call(database, "rollback");
      dirty.delete(database);
      throw new Database.SqliteError("database or disk is full", "SQLITE_FULL");
    }
    if (isWrite && database.inTransaction) {
      dirty.add(database);
      return work();
    }
    if (!isWrite && !dirty.has(database)) return work();
    dirty.delete(database);
    return durable(work);
  }

  replace(Database.prototype, "prepare", function (this: Database.Database, sql: string) {
    const statement = prepare.call(this, sql);
    if (isOutside()) return statement;
    refuseDead();
    databases.add(this);
    for (const verb of ["run", "all", "get", "iterate"] as const) {
      const original = statement[verb].bind(statement) as (...parameters: unknown[]) => unknown;
      Object.defineProperty(statement, verb, {
        value: (...parameters: unknown[]) => run(this, sql, () => original(...parameters)),
      });
    }
    return statement;
  });
  replace(Database.prototype, "exec", function (this: Database.Database, sql: string) {
    refuseDead();
    if (!isOutside()) databases.add(this);
    return run(this, sql, () => exec.call(this, sql));
  });
  replace(
    Database.prototype,
    "pragma",
    function (this: Database.Database, source: string, options?: Database.PragmaOptions) {
      refuseDead();
      if (!isOutside()) databases.add(this);
      return pragma.call(this, source, options);
    },
  );
}

interface FileHooks {
  refuseDead(): void;
  durable<T>(work: () => T): T;
  hasRoom(bytes: number): boolean;
  giveBack(bytes: number): void;
  freeBlocks(): number;
}

/** The ways in which the agent writes files; all of them wait for the disk. */
function watchFiles({ refuseDead, durable, hasRoom, giveBack, freeBlocks }: FileHooks): void {
  const real = { ...fs };
  const needRoom = (content: unknown) => {
    refuseDead();
    const isBytes = typeof content === "string" || content instanceof Uint8Array;
    const bytes = isBytes ? Buffer.byteLength(content) : 0;
    if (!hasRoom(bytes))
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  const sizeOf = (path: fs.PathLike) => real.lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const remove =
    <Arguments extends [fs.PathLike, ...unknown[]]>(original: (...parameters: Arguments) => void) =>
    (...parameters: Arguments) => {
      refuseDead();
      giveBack(sizeOf(parameters[0]));
      original(...parameters);
    };
  const guarded =
    <Arguments extends unknown[], Result>(original: (...parameters: Arguments) => Result) =>
    (...parameters: Arguments) => {
      refuseDead();
      return original(...parameters);
    };
  replace(fs, "writeSync", (file: number, content: NodeJS.ArrayBufferView) => {
    needRoom(content);
    return real.writeSync(file, content);
  });
  replace(
    fs,
    "writeFileSync",
    (file: fs.PathOrFileDescriptor, content: string, options?: fs.WriteFileOptions) => {
      needRoom(content);
      real.writeFileSync(file, content, options);
    },
  );
  replace(fs, "renameSync", (from: fs.PathLike, to: fs.PathLike) => durable(() => real.renameSync(from, to)));
  replace(fs, "rmSync", remove(real.rmSync));
  replace(fs, "unlinkSync", remove(real.unlinkSync));
  replace(fs, "openSync", guarded(real.openSync));
  replace(fs, "mkdirSync", guarded(real.mkdirSync as (path: fs.PathLike) => string | undefined));
  replace(fs, "fsyncSync", guarded(real.fsyncSync));
  // The STOP file is looked for as often as the database's version, and is hardly ever there; an error costs much to make.
  const missing = Object.assign(new Error("ENOENT: no such file or directory"), { code: "ENOENT" });
  replace(fs, "lstatSync", (path: fs.PathLike, options?: fs.StatSyncOptions) => {
    const stats = real.lstatSync(path, { ...options, throwIfNoEntry: false });
    if (stats === undefined && options?.throwIfNoEntry !== false) throw missing;
    return stats;
  });
  replace(fs, "statfsSync", () => ({ bavail: freeBlocks(), bsize: BLOCK_BYTES }));
  syncBuiltinESMExports();
}
