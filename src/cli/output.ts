import { stripVTControlCharacters, styleText } from "node:util";
import { processEnvironment } from "../config/environment.ts";
import { escapeUnseen, withoutHidden } from "../lib/visible.ts";

/** What is written to: standard output unless stated. */
type Sink = Pick<NodeJS.WriteStream, "write"> & { isTTY?: boolean };

/** How a piece of text stands out on a terminal. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** One JSON document, indented, so that a person can read what a program asked for. */
export function printJson(value: unknown, sink: Sink = process.stdout): void {
  sink.write(`${escapeUnseen(JSON.stringify(value, undefined, 2))}\n`);
}

/** Lines as people read them, without what has no width or turns the direction of writing. */
export function printLines(lines: readonly string[], sink: Sink = process.stdout): void {
  if (lines.length > 0) sink.write(`${withoutHidden(lines.join("\n"))}\n`);
}

/** Text in a style on a terminal; as it is everywhere else, and whenever NO_COLOR is set (no-color.org). */
export function paint(style: Style, text: string, sink: Sink = process.stdout): string {
  return isColoured(sink) ? styleText(style, text, { validateStream: false }) : text;
}

/** How wide standard output is, where it is a terminal; else null. */
export function terminalColumns(): number | null {
  const { stdout } = process;
  if (!stdout.isTTY) return null;
  // A terminal that does not know its size says 0.
  return stdout.columns > 0 ? stdout.columns : 80;
}

/** Whether what is written there may have colour: a terminal that is not dumb, and no NO_COLOR. */
export function isColoured(sink: Sink = process.stdout): boolean {
  if (sink.isTTY !== true) return false;
  const { NO_COLOR, TERM } = processEnvironment();
  return !NO_COLOR && TERM !== "dumb";
}

/**
 * Text of foreign origin on one line: what a feed or a payload carries must not move the cursor, break the
 * table or write to the terminal's title.
 */
export function oneLine(text: string): string {
  return withoutHidden(stripVTControlCharacters(text).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")).trim();
}

/**
 * Goes on when what it says cannot be written: work is finished though nobody hears of it. That the reader of a pipe has left
 * (`afk logs | head`), or that the terminal was closed, is ordinary; any other failure of standard output is kept for `lostOutput`.
 */
export function tolerateLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      const isNobodyThere = error.code === "EPIPE" || (error.code === "EIO" && stream.isTTY);
      if (stream === process.stdout && !isNobodyThere) lost ??= error;
    });
  }
}

/** Why standard output could not be written. Null when it was, and for a command whose work does not lie in what it says. */
export function lostOutput(): Error | null {
  return isWorker ? null : lost;
}

/** For a command whose work is done when it is done: it neither fails nor waits for the sake of what it says. */
export function putWorkFirst(): void {
  isWorker = true;
}

/** Whether `putWorkFirst` was called. */
export function doesPutWorkFirst(): boolean {
  return isWorker;
}

let lost: Error | null = null;
let isWorker = false;
