import { decodeText } from "../decode.ts";
import type { OpenFile } from "../read-file.ts";
import { SourceUnreadable } from "../source.ts";

const CHUNK_BYTES = 256 * 1024;
/** Of a line; the rest of it is passed over. */
const LINE_BYTES_MAX = 8 * 1024;
/** A line without an end is left for the next run, unless it is longer than this. */
const UNENDED_BYTES_MAX = 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Reads whole lines from `start` up to the file's size, each given to `onLine`, and gives where it stopped: at the end of the last
 * whole line. `isClosed`: nobody writes to the file any more, and what has no end is a line too.
 * @throws SourceUnreadable for what is no text; the signal's reason.
 */
export async function readLines(
  file: OpenFile,
  { start, isClosed, signal }: { start: number; isClosed: boolean; signal: AbortSignal },
  onLine: (text: string) => void,
): Promise<number> {
  let lineStart = start;
  let parts: Buffer[] = [];
  let kept = 0;
  const endLine = (next: number) => {
    const text = decodeText(Buffer.concat(parts)).replace(/[\0\r]/g, "");
    if (text !== "") onLine(text);
    parts = [];
    kept = 0;
    lineStart = next;
  };
  let at = start;
  while (at < file.sizeBytes) {
    signal.throwIfAborted();
    const chunk = await file.read(at, Math.min(CHUNK_BYTES, file.sizeBytes - at));
    if (chunk.length === 0) break;
    if (at === start) refuseBinary(chunk);
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      const piece = chunk.subarray(from, end === -1 ? chunk.length : end);
      const room = LINE_BYTES_MAX - kept;
      // A copy, so that a short piece does not hold its whole chunk.
      if (room > 0 && piece.length > 0) parts.push(Buffer.from(piece.subarray(0, room)));
      kept += Math.min(room, piece.length);
      if (end === -1) break;
      from = end + 1;
      endLine(at + from);
    }
    at += chunk.length;
  }
  if (at > lineStart && (isClosed || at - lineStart > UNENDED_BYTES_MAX)) endLine(at);
  return lineStart;
}

/** A log that was cut to nothing under a writer begins with zeros; they do not make it binary. */
function refuseBinary(chunk: Buffer): void {
  const text = chunk
    .subarray(0, 16 * 1024)
    .toString("latin1")
    .replace(/^\0+/, "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a binary file is told by.
  const odd = text.match(/[\x00-\x06\x0e-\x1a]/g)?.length ?? 0;
  if (odd > 0.05 * text.length)
    throw new SourceUnreadable("it is no text; a binary log is read by a command source");
}
