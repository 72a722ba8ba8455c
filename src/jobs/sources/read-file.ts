import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { messageOf } from "../../lib/errors.ts";
import { SourceUnreadable } from "./source.ts";

/** A file as it was read; `modifiedMs` is an epoch instant. */
export interface FileContent {
  bytes: Uint8Array;
  modifiedMs: number;
}

/**
 * A regular file, whole, or nothing. `followLinks` is for paths that the owner wrote; what merely lies in
 * a folder may have been put there by anyone, to have another file read.
 * @throws SourceUnreadable when it is missing, no regular file, a link, or larger than `bytesMax`.
 */
export async function readFileBounded(
  path: string,
  options: { bytesMax: number; followLinks: boolean },
): Promise<FileContent> {
  // O_NONBLOCK, or opening a named pipe would wait for its writer for ever.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (options.followLinks ? 0 : constants.O_NOFOLLOW);
  const file = await unreadable(path, () => open(path, flags));
  try {
    return await unreadable(path, () => readOpen(file, path, options.bytesMax));
  } finally {
    await file.close();
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

async function readOpen(file: FileHandle, path: string, bytesMax: number): Promise<FileContent> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new SourceUnreadable(`${path}: it is not a file`);
  const buffer = Buffer.alloc(Math.min(stats.size, bytesMax) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    length += bytesRead;
    // One byte more than its size is asked for, so that what gives no more than that has ended.
    if (bytesRead === 0 || length === stats.size) break;
  }
  if (length > bytesMax) throw new SourceUnreadable(`${path}: it is larger than ${bytesMax} bytes`);
  // A file that grew while it was read is read again next time.
  if (length > stats.size) throw new SourceUnreadable(`${path}: it changed while it was read`);
  return { bytes: buffer.subarray(0, length), modifiedMs: Math.floor(stats.mtimeMs) };
}
