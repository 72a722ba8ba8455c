import { readFileSync } from "node:fs";
import type { Config } from "../../config/config.ts";
import { messageOf, systemCode } from "../../lib/errors.ts";
import { newId, type Randomness } from "../../lib/ids.ts";
import { writeDurably } from "../../store/durable-file.ts";
import { StoreRefused } from "../../store/errors.ts";
import { refuseSpecialFile } from "../../store/sqlite/errors.ts";

const ID = /^[0-9a-z]{26}$/;

/**
 * Who this machine is in the fleet: an id that was made once and stands in the state folder; null where there is no fleet. It is
 * never made of what the host is called, which two hosts may be called the same, and one host differently tomorrow.
 * @throws StoreRefused when the file is there and says no id.
 */
export function machineIdOf(
  { database, paths }: Pick<Config, "database" | "paths">,
  nowMs: number,
  randomness?: Randomness,
): string | null {
  if (database === null) return null;
  const found = readId(paths.machine);
  if (found !== null) return found;
  const id = newId(nowMs, randomness);
  writeDurably(paths.machine, `${JSON.stringify({ id })}\n`);
  // Another process may have made one at the same time: the one that stands is right.
  return readId(paths.machine) ?? id;
}

function readId(path: string): string | null {
  const refuse = (why: string, cause?: unknown) =>
    new StoreRefused(
      "machine_unreadable",
      `${path} says which machine of the fleet this is, and ${why}; remove it if no other process of this folder runs: the machine then counts as a new one`,
      { cause },
    );
  let id: unknown;
  try {
    refuseSpecialFile(path);
    ({ id } = JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw refuse(`it cannot be read (${messageOf(error)})`, error);
  }
  if (typeof id !== "string" || !ID.test(id)) throw refuse("it holds no id");
  return id;
}
