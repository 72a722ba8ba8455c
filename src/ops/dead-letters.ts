import type { Config } from "../config/config.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { type DeadLetter, findDeadLetters, listDeadLetters } from "../queue/dead-letters.ts";
import type { Db } from "../store/schema.ts";
import { findJob } from "./show-job.ts";

/** Which dead letters a person means. */
interface Choice {
  /** A job's name, the key of a run, or the beginning of one. */
  word: string | undefined;
  isAll: boolean;
}

const CANDIDATES_MAX = 10;

/**
 * The dead letters that were meant. A key, whole or its beginning, means one; a name means all that the job has.
 * @throws AfkError when nothing or more than one thing may be meant (`unknown_dead_letter`, `ambiguous`), or neither a word
 * nor all was given, or both (exit 2).
 */
export async function chooseDeadLetters(db: Db, { word, isAll }: Choice): Promise<DeadLetter[]> {
  // An empty word begins every key: a variable that is unset would mean the only dead letter.
  if (isAll === (word !== undefined) || word?.trim() === "")
    throw refused("usage", "name a dead letter, or say --all; see: afk dead", EXIT.usage);
  if (word === undefined) return await listDeadLetters(db);
  const found = await findMeant(db, word);
  if (found.length === 0)
    throw refused("unknown_dead_letter", `there is no dead letter ${word}; see: afk dead`);
  const isNamed = found.every(({ name }) => name === word);
  if (found.length > 1 && !isNamed) throw ambiguous(word, found);
  return found;
}

async function findMeant(db: Db, word: string): Promise<DeadLetter[]> {
  const found = await findDeadLetters(db, word);
  return found.length > 0 ? found : await findDeadLetters(db, (await findJob(db, word))?.key ?? word);
}

/** The one that was meant. @throws AfkError as `chooseDeadLetters` does, and for the name of a job that has several. */
export async function chooseDeadLetter(db: Db, word: string): Promise<DeadLetter> {
  const found = await chooseDeadLetters(db, { word, isAll: false });
  const [first] = found;
  if (first === undefined || found.length > 1) throw ambiguous(word, found);
  return first;
}

/** What a dead letter lacks to be tried again, since its runs would die at once; null where it lacks nothing. */
export function lackOf({ name, kind }: DeadLetter, { jobs }: Config): string | null {
  if (jobs.some((job) => job.name === name && job.kind === kind)) return null;
  return `afk.yaml has no job named ${name} of kind ${kind} any more; put it back and retry, or drop the letter`;
}

function ambiguous(word: string, found: readonly DeadLetter[]): AfkError {
  const shown = found.slice(0, CANDIDATES_MAX).map(({ key }) => key);
  const more = found.length - shown.length;
  const candidates = `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return refused(
    "ambiguous",
    `${word} may mean ${found.length} dead letters: ${candidates}; write more of the key`,
  );
}

function refused(code: string, message: string, exitCode: number = EXIT.failed): AfkError {
  return new AfkError(code, message, { retry: "never", exitCode });
}
