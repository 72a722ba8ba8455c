import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DiskOperation } from "./disk-recording.ts";

/**
 * What a power cut leaves of the folder.
 *
 * Contents, in both models: what was written to a file before its last fsync is there. Of what came later each write is
 * there, not there, or there in some of its 512-byte sectors; the choices are independent, which is what reordering
 * amounts to. A file is as long as the furthest write that is there, and holds zeros where one before it is not.
 *
 * Names, `journaled` (ext4, XFS, btrfs): creations, renames, removals and truncations go through one journal, so a cut
 * leaves a prefix of them, and any fsync of a file or a folder has written the journal up to there.
 * Names, `strict` (what POSIX promises): an entry is there for sure only after an fsync of its folder; of the later
 * ones each may be there or not. Renames and removals are whole in both.
 */
export type Model = "journaled" | "strict";

type Entry = { type: "file"; inode: number } | { type: "folder" };
type Change = { path: string; entry: Entry | null };
type Content = Extract<DiskOperation, { type: "write" | "truncate" }>;

const SECTOR = 512;

export interface Disk {
  apply(operation: DiskOperation): void;
  /** Writes one image of the disk, as a cut at this instant may leave it, into the empty folder `dir`. */
  cut(dir: string, random: () => number): void;
}

export function createDisk(model: Model): Disk {
  const durable = new Map<number, Buffer>();
  const pending = new Map<number, Content[]>();
  /** Names as running processes see them, as the disk has them for sure, and the changes in between, in order. */
  const names = new Map<string, Entry>();
  const durableNames = new Map<string, Entry>();
  let changes: Change[][] = [];

  const change = (step: Change[]) => {
    for (const { path, entry } of step) put(names, path, entry);
    changes.push(step);
  };
  const settle = (isSettled: (step: Change[]) => boolean) => {
    const left: Change[][] = [];
    for (const step of changes) {
      if (isSettled(step)) for (const { path, entry } of step) put(durableNames, path, entry);
      else left.push(step);
    }
    changes = left;
  };
  const contentAfter = (inode: number, keep: (each: Content) => Content[]) =>
    (pending.get(inode) ?? []).flatMap(keep).reduce(applied, durable.get(inode) ?? Buffer.alloc(0));

  return {
    apply(operation) {
      switch (operation.type) {
        case "create":
          return change([{ path: operation.path, entry: { type: "file", inode: operation.inode } }]);
        case "mkdir":
          return change([{ path: operation.path, entry: { type: "folder" } }]);
        case "unlink":
          return change([{ path: operation.path, entry: null }]);
        case "rename":
          return change([
            { path: operation.from, entry: null },
            { path: operation.to, entry: names.get(operation.from) ?? null },
          ]);
        case "write":
        case "truncate":
          pending.set(operation.inode, [...(pending.get(operation.inode) ?? []), operation]);
          return;
        case "sync":
          durable.set(
            operation.inode,
            contentAfter(operation.inode, (each) => [each]),
          );
          pending.delete(operation.inode);
          if (model === "journaled") settle(() => true);
          return;
        case "syncFolder":
          return settle(
            (step) => model === "journaled" || step.every(({ path }) => folderOf(path) === operation.path),
          );
        case "said":
          return;
      }
    },
    cut(dir, random) {
      const left = new Map(durableNames);
      const prefix = Math.floor(random() * (changes.length + 1));
      const isKept = (index: number) => (model === "journaled" ? index < prefix : random() < 0.5);
      for (const [index, step] of changes.entries()) {
        if (isKept(index)) for (const { path, entry } of step) put(left, path, entry);
      }
      // How much of the cache had got to the disk by itself: nothing, all, or anything in between.
      const share = [0, 1, random()][Math.floor(random() * 3)] ?? 0;
      for (const [path, entry] of left) {
        if (!isReachable(left, path)) continue;
        if (entry.type === "folder") mkdirSync(join(dir, path), { recursive: true });
        else {
          mkdirSync(join(dir, dirname(path)), { recursive: true });
          writeFileSync(
            join(dir, path),
            contentAfter(entry.inode, (each) => survivors(each, share, random)),
          );
        }
      }
      // The index of the write-ahead log is shared memory, not a record: any bytes may be in it.
      if (random() < 0.5) rmSync(join(dir, "afk.db-shm"), { force: true });
      else if (left.has("afk.db-wal"))
        writeFileSync(join(dir, "afk.db-shm"), Buffer.alloc(32_768, Math.floor(random() * 256)));
    },
  };
}

function survivors(each: Content, share: number, random: () => number): Content[] {
  const luck = random();
  if (each.type === "truncate" || luck > 0.2) return random() < share ? [each] : [];
  const parts: Content[] = [];
  for (let at = 0; at < each.bytes.length; ) {
    const end = Math.min(each.bytes.length, at + SECTOR - ((each.offset + at) % SECTOR));
    if (random() < share)
      parts.push({ ...each, offset: each.offset + at, bytes: each.bytes.subarray(at, end) });
    at = end;
  }
  return parts;
}

function applied(content: Buffer, each: Content): Buffer {
  if (each.type === "truncate") {
    const size = Buffer.alloc(each.size);
    content.copy(size);
    return size;
  }
  const size = Math.max(content.length, each.offset + each.bytes.length);
  const next = Buffer.alloc(size);
  content.copy(next);
  each.bytes.copy(next, each.offset);
  return next;
}

function put(names: Map<string, Entry>, path: string, entry: Entry | null): void {
  if (entry === null) names.delete(path);
  else names.set(path, entry);
}

function isReachable(names: Map<string, Entry>, path: string): boolean {
  const folder = folderOf(path);
  return folder === "" || (names.get(folder)?.type === "folder" && isReachable(names, folder));
}

/** The folder of a path, `""` for the recorded folder itself. */
function folderOf(path: string): string {
  const folder = dirname(path);
  return folder === "." ? "" : folder;
}
