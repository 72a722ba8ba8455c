import { lstatSync } from "node:fs";
import { join } from "node:path";
import { AfkError, EXIT } from "../lib/errors.ts";
import type { Locations } from "./locations.ts";

/** There is neither an afk.yaml nor a state where afk looked: nothing was made. Exit code 66. */
export class NoAgent extends AfkError {
  constructor({ configFile, state }: Locations) {
    const message =
      `there is no agent here: neither ${configFile} nor a state in ${state}; nothing was done. ` +
      "Go to the folder of its afk.yaml, or name that file with --config or AFK_CONFIG (afk init makes a new one)";
    super("no_agent", message, { retry: "never", exitCode: EXIT.noAgent });
  }
}

/** @throws NoAgent where there is certainly none; what may not be looked at may well be one. */
export function refuseNoAgent(found: Locations): void {
  const isThere = [found.configFile, join(found.state, "afk.db")].some(mayBeThere);
  if (!isThere) throw new NoAgent(found);
}

function mayBeThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
