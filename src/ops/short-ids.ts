import { sql } from "kysely";
import { AfkError, EXIT } from "../lib/errors.ts";
import type { Db } from "../store/schema.ts";

/** Fewer characters are a slip of the hand. */
const WORD_CHARS_MIN = 3;
const CANDIDATES_MAX = 5;

/** Where ids are looked for. */
type Table = "drafts" | "questions" | "incidents" | "ledger" | "jobs" | "ticks";

/**
 * The id that a word means: the whole of it, or the beginning or end that no other has. A word that means none is given back
 * as it is, so that the command says what it does not know.
 * @throws AfkError (`ambiguous`) where it may mean several.
 */
export async function meantId(db: Db, table: Table, typed: string): Promise<string> {
  const word = typed.trim().toLowerCase();
  if (word.length < WORD_CHARS_MIN) return typed;
  const found = await db
    .selectFrom(table)
    .select("id")
    .where(
      sql<boolean>`substr(id, 1, ${word.length}) = ${word} or substr(id, length(id) - ${word.length - 1}) = ${word}`,
    )
    .orderBy("id")
    .limit(CANDIDATES_MAX + 1)
    .execute();
  const ids = found.map(({ id }) => id);
  if (ids.length > 1 && !ids.includes(word)) throw ambiguous(typed, ids);
  return ids.length === 1 ? (ids[0] ?? typed) : typed;
}

/** What was typed may mean several things. */
export function ambiguous(word: string, candidates: readonly string[]): AfkError {
  const shown = candidates.slice(0, CANDIDATES_MAX).join(", ");
  const more = candidates.length > CANDIDATES_MAX ? " and more" : "";
  return new AfkError("ambiguous", `${word} may mean ${shown}${more}; write more of it`, {
    retry: "never",
    exitCode: EXIT.failed,
  });
}
