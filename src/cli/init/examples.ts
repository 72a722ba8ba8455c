import { UsageError } from "../command.ts";
import { agent } from "./agent.ts";
import { brief } from "./brief.ts";
import { digest } from "./digest.ts";
import type { Example } from "./example.ts";
import { mailTriage } from "./mail-triage.ts";
import { repoTriage } from "./repo-triage.ts";
import { watch } from "./watch.ts";

/** What `afk init` offers; the first where nobody chooses. */
export const EXAMPLES: readonly Example[] = [digest, brief, mailTriage, repoTriage, watch, agent];

const NAMES = EXAMPLES.map(({ name }) => name);

/** The choice of this name, or number in the list; null where there is none. */
export function findExample(answer: string): Example | null {
  const typed = answer.trim().toLowerCase();
  return EXAMPLES.find(({ name }, index) => name === typed || String(index + 1) === typed) ?? null;
}

/** As `findExample`. @throws UsageError with the names that there are. */
export function exampleNamed(name: string): Example {
  const found = findExample(name);
  if (found === null)
    throw new UsageError(`There is no example ${JSON.stringify(name)}; there are ${NAMES.join(", ")}.`);
  return found;
}

/** One line for each, to choose from. */
export function exampleLines(): string[] {
  const width = Math.max(...NAMES.map(({ length }) => length));
  return EXAMPLES.map(({ name, what }, index) => `  ${index + 1}  ${name.padEnd(width)}   ${what}`);
}
