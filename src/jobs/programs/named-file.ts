import { statSync } from "node:fs";
import { readBounded } from "../../config/environment.ts";
import { messageOf } from "../../lib/errors.ts";
import { PermanentFailure } from "../../queue/job.ts";

/** How a file is read that a key of afk.yaml names, and what is said where it cannot be. */
interface NamedFile {
  /** The code of the error. */
  code: string;
  /** Which file it is: the beginning of a sentence. */
  what: string;
  /** The key, in words for whoever mends it: `env_file in afk.yaml`. */
  key: string;
  bytesMax: number;
  /** What to do about a larger one. */
  smaller: string;
}

/**
 * The text of a file that afk.yaml names, and what refuses it for a problem that its reader finds.
 * @throws PermanentFailure where it is none, cannot be read or is too large.
 */
export function readNamedFile(
  path: string,
  { code, what, key, bytesMax, smaller }: NamedFile,
): { text: string; refuse: (problem: string) => PermanentFailure } {
  const refuse = (problem: string) => new PermanentFailure(code, `${what} ${path} ${problem}`);
  let bytes: Buffer;
  try {
    // A pipe would be waited for.
    if (!statSync(path).isFile()) throw refuse("is no file; write the path of one");
    bytes = readBounded(path, bytesMax + 1);
  } catch (error) {
    if (error instanceof PermanentFailure) throw error;
    throw refuse(`cannot be read (${messageOf(error)}); make it, or mend ${key}`);
  }
  if (bytes.length > bytesMax) throw refuse(`is larger than ${bytesMax / 1024} KiB; ${smaller}`);
  return { text: bytes.toString("utf8"), refuse };
}
