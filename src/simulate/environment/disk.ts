import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import Database from "better-sqlite3";
import { watchDurableSteps } from "../../faults/durable-steps.ts";
import { replace } from "./replace.ts";

/** What the agent writes to, with failpoints at its durable steps (faults/durable-steps.ts). */
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

/** Puts the disk under this thread for good. */
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

  watchDurableSteps({
    durable: (_label, work) => durable(work),
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
  watchFiles({
    refuseDead,
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

interface FileHooks {
  refuseDead(): void;
  hasRoom(bytes: number): boolean;
  giveBack(bytes: number): void;
  freeBlocks(): number;
}

/** The ways in which the agent writes files; all of them wait for the disk. */
function watchFiles({ refuseDead, hasRoom, giveBack, freeBlocks }: FileHooks): void {
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
  replace(fs, "rmSync", remove(real.rmSync));
  replace(fs, "unlinkSync", remove(real.unlinkSync));
  replace(fs, "openSync", guarded(real.openSync));
  replace(fs, "mkdirSync", guarded(real.mkdirSync as (path: fs.PathLike) => string | undefined));
  replace(fs, "fsyncSync", guarded(real.fsyncSync));
  replace(fs, "statfsSync", () => ({ bavail: freeBlocks(), bsize: BLOCK_BYTES }));
  syncBuiltinESMExports();
}
