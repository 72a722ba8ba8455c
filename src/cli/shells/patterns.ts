import type { CompletionEntry } from "../completion.ts";

/* What bash and zsh match in a `case`: alternatives with a bar between them. */

/** `/jobs/show`, or nothing for the program itself. */
export function pathOf(entry: CompletionEntry): string {
  return entry.path.map((word) => `/${word}`).join("");
}

/** Options that the next word belongs to, whichever command they are of. */
export function takers(entries: readonly CompletionEntry[]): string {
  const names = entries.flatMap(({ options }) =>
    options.flatMap((option) => (option.value === null ? [] : option.names)),
  );
  return [...new Set(names)].join("|");
}

/** Every command that can be reached. */
export function paths(entries: readonly CompletionEntry[]): string {
  return entries.flatMap((entry) => (entry.path.length === 0 ? [] : [pathOf(entry)])).join("|");
}
