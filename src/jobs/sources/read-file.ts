import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { messageOf } from "../../lib/errors.ts";
import { SourceUnreadable } from "./source.ts";

/** A file as it was read; `modifiedMs` is an epoch instant. */
interface FileContent {
  bytes: Uint8Array;
  modifiedMs: number;
}

/** A regular file that is open. However large it is, only what is asked for is in memory. */
export interface OpenFile {
  sizeBytes: number;
  /** Its number in its file system, which it keeps when it is renamed. */
  inode: number;
  /** Epoch instant. */
  modifiedMs: number;
  /** The bytes at `start`, at most `length` of them; fewer where the file ends before. */
  read(start: number, length: number): Promise<Buffer>;
}

/**
 * A regular file, whole, or nothing. `followLinks` is for paths that the owner wrote; what merely lies in
 * a folder may have been put there by anyone, to have another file read.
 * @throws SourceUnreadable when it is missing, no regular file, a link, or larger than `bytesMax`.
 */
export async function readFileBounded(
  path: string,
  { bytesMax, followLinks }: { bytesMax: number; followLinks: boolean },
): Promise<FileContent> {
  return await withFile(path, { followLinks }, async ({ sizeBytes, modifiedMs, read }) => {
    // One byte more than its size is asked for, so that a file that grows meanwhile is found out.
    const bytes = await read(0, Math.min(sizeBytes, bytesMax) + 1);
    if (bytes.length > bytesMax) throw new SourceUnreadable(`${path}: it is larger than ${bytesMax} bytes`);
    // A file that grew while it was read is read again next time.
    if (bytes.length > sizeBytes) throw new SourceUnreadable(`${path}: it changed while it was read`);
    return { bytes, modifiedMs };
  });
}

/**
 * Opens a regular file for `use`, and closes it.
 * @throws SourceUnreadable when it is missing, no regular file, or a link that is not followed; and what `use` throws.
 */
export async function withFile<T>(
  path: string,
  { followLinks }: { followLinks: boolean },
  use: (file: OpenFile) => Promise<T>,
): Promise<T> {
  // O_NONBLOCK, or opening a named pipe would wait for its writer for ever.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW);
  const handle = await unreadable(path, () => open(path, flags));
  try {
    const stats = await unreadable(path, () => handle.stat());
    if (!stats.isFile()) throw new SourceUnreadable(`${path}: it is not a file`);
    return await use({
      sizeBytes: stats.size,
      inode: stats.ino,
      modifiedMs: Math.floor(stats.mtimeMs),
      read: (start, length) => unreadable(path, () => readAt(handle, start, length)),
    });
  } finally {
    await handle.close();
  }
}

/** Runs a file operation; what the system refuses becomes SourceUnreadable with the path in it. */
export async function unreadable<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    const code = error instanceof Error && "syscall" in error && "code" in error ? error.code : undefined;
    if (typeof code !== "string") throw error;
    throw new SourceUnreadable(`${path}: ${REASONS[code] ?? messageOf(error)}`, { cause: error });
  }
}

const REASONS: Record<string, string> = {
  ENOENT: "there is no such file or folder",
  EACCES: "afk may not read it",
  EPERM: "afk may not read it",
  ENOTDIR: "it is not a folder",
  EISDIR: "it is a folder",
  ELOOP: "it is a symbolic link",
};

async function readAt(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
