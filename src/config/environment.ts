import { closeSync, openSync, readSync } from "node:fs";
import { messageOf } from "../lib/errors.ts";

/** The environment variables that afk may read. Passed around, so that tests and drills can give their own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A copy of the process's environment; the only place in afk that reads it. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

type Variable =
  | { state: "set"; value: string }
  | { state: "unset" }
  /** `NAME_FILE` is set, and does not lead to a value. */
  | { state: "broken"; problem: string };

const FILE_BYTES_MAX = 64 * 1024;

/**
 * The value of `name`: the variable itself, or, when that is unset or empty, the content of the file that
 * `<name>_FILE` names (as container engines mount secrets), without its trailing newlines. Empty counts as unset.
 */
export function readVariable(environment: Environment, name: string): Variable {
  const value = own(environment, name);
  if (value !== undefined && value !== "") return { state: "set", value };
  const file = own(environment, `${name}_FILE`);
  if (file === undefined || file === "") return { state: "unset" };
  return readValueFile(`${name}_FILE`, file);
}

/** Names come from the file, and may be one that every object inherits. */
function own(environment: Environment, name: string): string | undefined {
  return Object.hasOwn(environment, name) ? environment[name] : undefined;
}

function readValueFile(name: string, file: string): Variable {
  let content: Buffer;
  try {
    content = readBounded(file, FILE_BYTES_MAX + 1);
  } catch (error) {
    return { state: "broken", problem: `${name} names ${file}, which cannot be read (${messageOf(error)})` };
  }
  if (content.length > FILE_BYTES_MAX) {
    return { state: "broken", problem: `${name} names ${file}, which is larger than 64 KiB` };
  }
  const value = content.toString("utf8").replace(/[\r\n]+$/, "");
  if (value === "") return { state: "broken", problem: `${name} names ${file}, which is empty` };
  return { state: "set", value };
}

/** Reads at most `bytesMax` bytes. The size that the system states is not used: it is 0 for a pipe. */
export function readBounded(file: string, bytesMax: number): Buffer {
  const descriptor = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(bytesMax);
    let length = 0;
    while (length < bytesMax) {
      const count = readSync(descriptor, buffer, length, bytesMax - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}
