import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeDurably } from "../../store/durable-file.ts";
import { readIfThere } from "../record-file.ts";

/** Beside the digests, so that who looks for the one that did not come finds the reason. */
export function alertFileIn(outDir: string): string {
  return join(outDir, "ALERT.txt");
}

/** Replaces the file, or removes it where `content` is null. One that says the same already is left alone. */
export function setAlertFile(outDir: string, content: string | null): void {
  const path = alertFileIn(outDir);
  if (content === null) {
    rmSync(path, { force: true });
    return;
  }
  if (readIfThere(path) === content) return;
  makeFolder(outDir);
  writeDurably(path, content);
}

/**
 * The last line of a file that was written without a database, once some channel has taken the alert: what says that it
 * need not be sent again, and that there is an end to tell of.
 */
export const TOLD = "An alert was sent.";

/** When the alert was written that was sent past the outbox, in epoch milliseconds; null when none was. */
export function toldDirectlyAt(outDir: string): number | null {
  const path = alertFileIn(outDir);
  if (readIfThere(path)?.trimEnd().endsWith(TOLD) !== true) return null;
  return Math.floor(statSync(path).mtimeMs);
}

/** One block a finding: a line that says it, and what to know about it. */
export function alertText(agent: string, findings: readonly { title: string; message: string }[]): string {
  const blocks = findings.map(({ title, message }) => `${title}\n${message}\n`);
  return `${agent} needs a look. This file goes away when all is well again.\n\n${blocks.join("\n")}`;
}
