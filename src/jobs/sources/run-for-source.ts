import { AfkError } from "../../lib/errors.ts";
import { type Aside, type AsideContext, runAside } from "../programs/run-aside.ts";
import { SourceUnreadable } from "./source.ts";

/**
 * Runs a program that reads a source, and gives what it printed. `hint` stands behind what is wrong, for what else to do.
 * @throws SourceUnreadable for every end but exit 0.
 */
export async function runForSource(context: AsideContext, aside: Omit<Aside, "label">, hint = "") {
  try {
    const { stdout } = await runAside(context, { ...aside, label: "sources" });
    return stdout;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof AfkError) || !error.code.startsWith("exec_")) throw error;
    throw new SourceUnreadable(`${error.message}${hint}`, { cause: error });
  }
}
