import { stripVTControlCharacters } from "node:util";
import type { Redact } from "../../lib/redact.ts";

/** UTF-16 units of the output that a report keeps: the beginning says what it is, the end what came of it. */
const PART_MAX = 4_000;
/** Looked through for secrets: one that is cut in half at this length is not in what is kept. */
const LOOKED_AT = 50_000;

/** The beginning and the end of an output, as people read it, without secrets. */
export function headAndTail(stdout: string, redact: Redact): string {
  const plain = (text: string) => redact(stripVTControlCharacters(text).replaceAll("\r\n", "\n"));
  if (stdout.length <= 2 * LOOKED_AT) {
    const whole = plain(stdout).trim();
    if (whole.length <= 2 * PART_MAX) return whole;
  }
  const head = plain(stdout.slice(0, LOOKED_AT)).trimStart().slice(0, PART_MAX).toWellFormed();
  const tail = plain(stdout.slice(-LOOKED_AT)).trimEnd().slice(-PART_MAX).toWellFormed();
  return `${head}\n[${stdout.length - head.length - tail.length} characters left out]\n${tail}`;
}
