import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isMissing } from "./files.ts";

const CHUNK_BYTES = 65_536;
/** No line that afk writes is near it. What is longer is no line of the log, and is left out. */
const LINE_BYTES_MAX = 1_048_576;
const NEWLINE = 0x0a;

/**
 * A file's lines from the byte `from` on, without blank ones; none when retention has deleted the file. `next` is where the
 * line after it begins; `isWhole` is false for a last line without its newline, which was torn or is being written.
 */
export function* linesForward(
  path: string,
  from = 0,
): Generator<{ raw: string; next: number; isWhole: boolean }> {
  const descriptor = openIfThere(path);
  if (descriptor === null) return;
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    let position = from;
    let isSkipping = false;
    for (;;) {
      const count = readSync(descriptor, chunk, 0, CHUNK_BYTES, position);
      if (count === 0) break;
      position += count;
      let data = Buffer.concat([rest, chunk.subarray(0, count)]);
      for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE)) {
        const raw = isSkipping ? "" : data.toString("utf8", 0, end);
        isSkipping = false;
        data = data.subarray(end + 1);
        if (raw !== "") yield { raw, next: position - data.length, isWhole: true };
      }
      isSkipping ||= data.length > LINE_BYTES_MAX;
      rest = isSkipping ? Buffer.alloc(0) : Buffer.from(data);
    }
    if (rest.length > 0) yield { raw: rest.toString("utf8"), next: position, isWhole: false };
  } finally {
    closeSync(descriptor);
  }
}

/** A file's lines from its end, or a byte before it, to its beginning, without blank ones, each with the byte that it begins at. */
export function* linesBackward(path: string, end?: number): Generator<{ raw: string; start: number }> {
  const descriptor = openIfThere(path);
  if (descriptor === null) return;
  try {
    let position = end ?? fstatSync(descriptor).size;
    let rest = Buffer.alloc(0);
    let isSkipping = false;
    while (position > 0) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, position));
      position -= chunk.length;
      readSync(descriptor, chunk, 0, chunk.length, position);
      let data = Buffer.concat([chunk, rest]);
      for (let at = data.lastIndexOf(NEWLINE); at !== -1; at = data.lastIndexOf(NEWLINE)) {
        const raw = isSkipping ? "" : data.toString("utf8", at + 1);
        isSkipping = false;
        data = data.subarray(0, at);
        if (raw !== "") yield { raw, start: position + at + 1 };
      }
      isSkipping ||= data.length > LINE_BYTES_MAX;
      rest = isSkipping ? Buffer.alloc(0) : Buffer.from(data);
    }
    if (rest.length > 0) yield { raw: rest.toString("utf8"), start: 0 };
  } finally {
    closeSync(descriptor);
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
