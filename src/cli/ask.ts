import { UsageError } from "./command.ts";

/** Whether somebody can be asked: both ends are a terminal, and standard output is not to be JSON alone. */
export function canAsk(asJson = false): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true && !asJson;
}

/** The answer to a question on the terminal; an empty one is `usual`. @throws UsageError when nobody answers (Ctrl-C). */
export async function ask(question: string, usual = ""): Promise<string> {
  const answer = await prompt(question, { type: "text", default: usual, placeholder: usual });
  return String(answer ?? "").trim() || usual;
}

/** Yes or no, and no unless somebody says yes. @throws UsageError as `ask` does. */
export async function confirm(question: string): Promise<boolean> {
  return (await prompt(question, { type: "confirm", initial: false })) === true;
}

async function prompt(
  question: string,
  options: { type: "text"; default: string; placeholder: string } | { type: "confirm"; initial: boolean },
): Promise<unknown> {
  const { consola } = await import("consola");
  try {
    return await consola.prompt(question, { ...options, cancel: "reject" });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ConsolaPromptCancelledError") throw error;
    throw new UsageError("The answers ended; nothing was changed.");
  }
}
