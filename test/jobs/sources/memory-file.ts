import type { OpenFile } from "../../../src/jobs/sources/read-file.ts";

/** Bytes in memory as an open file. */
export function memoryFile(content: Uint8Array | string): OpenFile & { largestRead(): number } {
  const bytes = Buffer.from(content);
  let largest = 0;
  return {
    sizeBytes: bytes.length,
    inode: 1,
    modifiedMs: 0,
    read: async (start, length) => {
      largest = Math.max(largest, length);
      return bytes.subarray(start, start + length);
    },
    largestRead: () => largest,
  };
}

/** The same as one message. */
export function memoryMessage(content: Uint8Array | string) {
  const { sizeBytes: end, read } = memoryFile(content);
  return { start: 0, end, read, isQuoted: false };
}
