import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { systemCode } from "../../lib/errors.ts";

/**
 * A file that a program may have written, at most `bytesMax` of it; null where there is none or nothing in it. `problem`: it cannot be
 * used, as part of a sentence. A link or a pipe in its place may lead anywhere, or be waited for, and is not opened.
 */
export function readOwnFile(path: string, bytesMax: number): { text: string } | { problem: string } | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    return { problem: "cannot be read; write a file, and no link" };
  }
  try {
    if (!fstatSync(file).isFile()) return { problem: "is no file; write one" };
    const bytes = Buffer.alloc(bytesMax + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null);
    if (length > bytesMax) return { problem: `is larger than ${bytesMax / 1024} KiB; write less` };
    return length === 0 ? null : { text: bytes.toString("utf8", 0, length) };
  } finally {
    closeSync(file);
  }
}
