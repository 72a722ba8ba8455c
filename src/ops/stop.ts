import { closeSync, fsyncSync, lstatSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Outbox } from "../alerts/outbox.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { openNewPrivate } from "../lib/private-files.ts";
import { createRedactor } from "../lib/redact.ts";
import { readKillRow, refuseElsewhere, setKill } from "../rails/kill.ts";
import { makeFolder, syncPath } from "../store/durable-file.ts";
import type { Store } from "../store/store.ts";
import type { Reached } from "./stop-fleet.ts";

/** The switch, as it was set. */
export interface Stopped {
  by: "row" | "file";
  /** The reason that is kept, or the path of the file. */
  detail: string;
  /** It was set before, and that reason stays. */
  wasSet?: true;
  /** In a fleet: the machines that were at work; null where that cannot be told here. */
  machines?: Reached[] | null;
  /** A file in a fleet, which stops this machine and no other. */
  isHereAlone?: true;
}

/** Sets the durable switch in the database, at the moment at which no other section can be between. */
export async function stopByRow(
  { store, outbox }: { store: Store; outbox: Outbox },
  reason: string,
  clock: Pick<Clock, "nowMs">,
): Promise<Stopped & { atMs: number }> {
  const told = outbox.redact(reason);
  return await store.atomically(async (trx) => {
    refuseElsewhere(store);
    const found = await readKillRow(trx);
    const atMs = clock.nowMs();
    await setKill(trx, outbox.announce, told, atMs);
    if (found === null) return { by: "row", detail: told, atMs };
    return { by: "row", detail: found.reason, atMs, wasSet: true };
  });
}

/**
 * Sets the switch as a file: what works when configuration or database do not. Nothing that lies at its path is opened: a
 * pipe would wait for a reader, and a link would lead to a file that somebody else chose. A folder there is a set switch.
 */
export function stopByFile(stopFile: string, reason: string): Stopped {
  const before = lstatSync(stopFile, { throwIfNoEntry: false });
  const stopped: Stopped = { by: "file", detail: stopFile, ...(before !== undefined && { wasSet: true }) };
  if (before?.isDirectory()) return stopped;
  makeFolder(dirname(stopFile));
  const temporary = `${stopFile}.${newId(systemClock.nowMs())}.part`;
  try {
    // Without the configuration nobody knows its secrets; what looks like one goes all the same.
    writeNew(temporary, `${createRedactor([])(reason)}\n`);
    renameSync(temporary, stopFile);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncPath(dirname(stopFile));
  return stopped;
}

function writeNew(path: string, text: string): void {
  const file = openNewPrivate(path);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } catch {
    // The file's name is the switch, and the words in it are for people: a full disk may have no room for them.
    return;
  } finally {
    closeSync(file);
  }
}
