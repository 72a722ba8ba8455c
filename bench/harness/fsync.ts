import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

const WRITES = 100;
const PAGE_BYTES = 4_096;

/**
 * What the disk takes to keep one page, in microseconds: each of 100 writes of a page, synced. Disks differ by a factor
 * of forty, and most of what afk does is to wait for them, so that no other figure says anything without this one.
 */
export function fsyncLoop(folder: string): number[] {
  const file = openSync(join(folder, "fsync"), "w");
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const samples: number[] = [];
  try {
    for (let write = 0; write < WRITES; write++) {
      const startedMs = performance.now();
      writeSync(file, page, 0, PAGE_BYTES, 0);
      fsyncSync(file);
      samples.push((performance.now() - startedMs) * 1_000);
    }
  } finally {
    closeSync(file);
  }
  return samples;
}
