import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isMissing } from "./files.ts";

/** A line of a file with where it begins and where the next one does; `raw` is null for one too long to be a line. */
export interface FileLine {
  raw: string | null;
  start: number;
  next: number;
  /** False for the last line when its newline is missing: it was torn, or is being written. */
  isWhole: boolean;
}

const CHUNK_BYTES = 65_536;
/** No line that afk writes is near it. What is longer is not a line of the log. */
const LINE_BYTES_MAX = 1_048_576;
const NEWLINE = 0x0a;

/** A file's lines from the byte `from` on, without blank ones; none when retention has deleted the file. */
export function* linesForward(path: string, from = 0): Generator<FileLine> {
  const descriptor = openIfThere(path);
  if (descriptor === null) return;
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    let position = from;
    let start = from;
    let isSkipping = false;
    for (;;) {
      const count = readSync(descriptor, chunk, 0, CHUNK_BYTES, position);
      if (count === 0) break;
      position += count;
      let data = Buffer.concat([rest, chunk.subarray(0, count)]);
      for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE)) {
        const next = position - data.length + end + 1;
        const raw = isSkipping ? null : data.toString("utf8", 0, end);
        if (raw !== "") yield { raw, start, next, isWhole: true };
        isSkipping = false;
        start = next;
        data = data.subarray(end + 1);
      }
      if (data.length > LINE_BYTES_MAX) isSkipping = true;
      rest = isSkipping ? Buffer.alloc(0) : Buffer.from(data);
    }
    if (isSkipping || rest.length > 0)
      yield { raw: isSkipping ? null : rest.toString("utf8"), start, next: position, isWhole: false };
  } finally {
    closeSync(descriptor);
  }
}

/** A file's lines from its end to its beginning, without blank ones: what is new is found without reading what is old. */
export function* linesBackward(path: string): Generator<FileLine> {
  const descriptor = openIfThere(path);
  if (descriptor === null) return;
  try {
    let position = fstatSync(descriptor).size;
    let rest = Buffer.alloc(0);
    let next = position;
    let isWhole = false;
    let isSkipping = false;
    while (position > 0) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, position));
      position -= chunk.length;
      readSync(descriptor, chunk, 0, chunk.length, position);
      let data = Buffer.concat([chunk, rest]);
      for (let end = data.lastIndexOf(NEWLINE); end !== -1; end = data.lastIndexOf(NEWLINE)) {
        const start = position + end + 1;
        const raw = isSkipping ? null : data.toString("utf8", end + 1);
        if (raw !== "") yield { raw, start, next, isWhole };
        isSkipping = false;
        isWhole = true;
        next = start;
        data = data.subarray(0, end);
      }
      if (data.length > LINE_BYTES_MAX) isSkipping = true;
      rest = isSkipping ? Buffer.alloc(0) : Buffer.from(data);
    }
    if (isSkipping || rest.length > 0)
      yield { raw: isSkipping ? null : rest.toString("utf8"), start: 0, next, isWhole };
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
