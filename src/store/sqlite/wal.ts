import { existsSync, readFileSync } from "node:fs";
import { StoreRefused } from "../errors.ts";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Another process may write while it is looked at; what is damaged stays so. */
const LOOKS = 3;

/**
 * SQLite ends a write-ahead log at its first frame that is not right and forgets what is behind it, without a word. That
 * is what must happen to the one transaction that a crash cut off. When a later one was written after it, the frame
 * was on the disk and has changed there since: commits would be forgotten, and with them what was spent.
 * Costs one pass over a file of a few MiB, and only after an end that left a log behind. The file format is
 * https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 * @throws StoreRefused
 */
export function refuseDamagedLog(path: string): void {
  const log = `${path}-wal`;
  for (let look = 1; existsSync(log); look++) {
    const damagedAt = damagedFrame(readFileSync(log));
    if (damagedAt === null) return;
    if (look === LOOKS) {
      throw new StoreRefused(
        "store_damaged",
        `${log} is damaged at frame ${damagedAt}, and commits behind it would be lost; nothing was changed. ` +
          "Restore a backup, or stop every worker, move that file away and reconcile the ledger with the provider's bill",
      );
    }
  }
}

/** The number of the first bad frame that commits of later transactions stand behind; null when the log is sound. */
function damagedFrame(log: Buffer): number | null {
  if (log.length < HEADER_BYTES + FRAME_HEADER_BYTES) return null;
  const isBigEndian = log.readUInt32BE(0) === 0x377f0683;
  const pageBytes = log.readUInt32BE(8);
  let sum = checksum(log, 0, 24, [0, 0], isBigEndian);
  const isHeaderRight = sum[0] === log.readUInt32BE(24) && sum[1] === log.readUInt32BE(28);
  // The header is on the disk before the first frame is written, so one that is wrong beside frames has changed.
  if (!isHeaderRight) return log.subarray(HEADER_BYTES).some((byte) => byte !== 0) ? 0 : null;

  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  let firstBad: number | null = null;
  let commitsBehind = 0;
  for (let frame = 1, at = HEADER_BYTES; at + frameBytes <= log.length; frame++, at += frameBytes) {
    // Frames of an earlier round carry other salts; they are what a new round has not written over yet.
    const isOfThisRound = log.compare(log, 16, 24, at + 8, at + 16) === 0;
    if (firstBad === null) {
      sum = checksum(log, at, 8, sum, isBigEndian);
      sum = checksum(log, at + FRAME_HEADER_BYTES, pageBytes, sum, isBigEndian);
      const isRight =
        isOfThisRound && sum[0] === log.readUInt32BE(at + 16) && sum[1] === log.readUInt32BE(at + 20);
      if (!isRight) firstBad = frame;
    }
    if (firstBad !== null && isOfThisRound && log.readUInt32BE(at + 4) !== 0) commitsBehind += 1;
  }
  // One commit may be that of the transaction that was cut off.
  return commitsBehind > 1 ? firstBad : null;
}

function checksum(
  log: Buffer,
  at: number,
  bytes: number,
  from: readonly [number, number],
  isBigEndian: boolean,
): [number, number] {
  let [a, b] = from;
  for (let offset = at; offset < at + bytes; offset += 8) {
    a = (a + (isBigEndian ? log.readUInt32BE(offset) : log.readUInt32LE(offset)) + b) >>> 0;
    b = (b + (isBigEndian ? log.readUInt32BE(offset + 4) : log.readUInt32LE(offset + 4)) + a) >>> 0;
  }
  return [a, b];
}
