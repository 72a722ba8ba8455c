import { fstatSync, writeSync } from "node:fs";
import { systemClock, toIso } from "../lib/clock.ts";
import { messageOf } from "../lib/errors.ts";

/** What may wait in memory for a reader that does not read; a line beyond it is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** Standard output or standard error, as far as lines are written to it. */
type LineStream = Pick<NodeJS.WriteStream, "write" | "writable" | "writableLength"> & { fd: number };

/**
 * A sink for log lines that never fails and never waits: the work matters more than what is said of it. A line that cannot
 * be written, since the disk is full, the reader of the pipe has left or does not read, is dropped and counted, and the next
 * one that can be is preceded by `log_dropped` with the count. The log's own files have every line all the same.
 */
export function lineWriter(stream: LineStream): (line: string) => void {
  const write = isPipe(stream.fd) ? toPipe(stream) : toFile(stream.fd);
  let dropped = { lines: 0, error: "" };
  return (line) => {
    const told = dropped.lines === 0 ? "" : `${droppedLine(dropped)}\n`;
    try {
      write(`${told}${line}\n`);
      dropped = { lines: 0, error: "" };
    } catch (error) {
      dropped = { lines: dropped.lines + 1, error: messageOf(error) };
    }
  };
}

/** Node keeps what a pipe does not take yet, however much it is. */
function toPipe(stream: LineStream): (text: string) => void {
  return (text) => {
    if (!stream.writable) throw new Error("nobody reads it any more");
    if (stream.writableLength > WAITING_BYTES_MAX) throw new Error("nobody reads it");
    stream.write(text);
  };
}

/** Past Node's own stream, which is closed for good by its first error: a disk that is full may have room again. */
function toFile(descriptor: number): (text: string) => void {
  let isTorn = false;
  return (text) => {
    const bytes = Buffer.from(isTorn ? `\n${text}` : text);
    const written = writeSync(descriptor, bytes);
    isTorn = written < bytes.length && (written > 0 || isTorn);
    if (written < bytes.length)
      throw new Error(`only ${written} of ${bytes.length} bytes fitted on the disk`);
  };
}

function isPipe(descriptor: number): boolean {
  const stats = fstatSync(descriptor);
  return stats.isFIFO() || stats.isSocket();
}

function droppedLine(dropped: { lines: number; error: string }): string {
  return JSON.stringify({ ts: toIso(systemClock.nowMs()), level: "warn", event: "log_dropped", ...dropped });
}
