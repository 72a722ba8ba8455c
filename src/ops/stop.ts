import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Outbox } from "../alerts/outbox.ts";
import { createRedactor } from "../lib/redact.ts";
import { readKillRow, setKill } from "../rails/kill.ts";
import { makeFolder } from "../store/durable-file.ts";

export interface Stopped {
  by: "row" | "file";
  /** The reason that is kept, or the path of the file. */
  detail: string;
  /** It was set before, and that reason stays. */
  wasSet?: true;
}

/** Sets the durable switch in the database. */
export async function stopByRow(outbox: Outbox, reason: string, nowMs: number): Promise<Stopped> {
  const told = outbox.redact(reason);
  const before = await outbox.transaction(async (trx, announce) => {
    const found = await readKillRow(trx);
    await setKill(trx, announce, told, nowMs);
    return found;
  });
  return before === null ? { by: "row", detail: told } : { by: "row", detail: before.reason, wasSet: true };
}

/** Sets the switch as a file: what works when configuration or database do not. */
export function stopByFile(stopFile: string, reason: string): Stopped {
  makeFolder(dirname(stopFile));
  // Without the configuration nobody knows its secrets; what looks like one goes all the same.
  writeFileSync(stopFile, `${createRedactor([])(reason)}\n`);
  return { by: "file", detail: stopFile };
}
