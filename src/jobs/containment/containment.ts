import { isOnlyTenant } from "./container.ts";
import { findNamespace } from "./namespace.ts";
import { type ProcessTags, taggedCommand } from "./process-tags.ts";

/**
 * What makes sure that nothing of a program outlives it, best first:
 * - `namespace`: a PID namespace whose first process dies with afk; the kernel ends all that is in it.
 * - `container`: afk is the only tenant of a container, which ends with it; meanwhile whatever has lost its parent is ours.
 * - `marks`: what descends from the program, or carries its tags, is searched for and killed. A program that tries to can
 *   get away from that.
 */
export type ContainmentKind = "namespace" | "container" | "marks";

export interface Containment {
  kind: ContainmentKind;
  /** Stand in front of a program's words, so that it and all that it starts are contained. */
  words(tags: ProcessTags): readonly string[];
  /** Why there is no namespace, where there is none. */
  refusal: string | null;
}

const chosen = new Map<string | undefined, Promise<Containment>>();

/** The best that this machine has, found out by trying, once for the process. `path` is PATH of afk itself. */
export function chooseContainment(path: string | undefined): Promise<Containment> {
  const known = chosen.get(path);
  if (known !== undefined) return known;
  const choice = choose(path);
  chosen.set(path, choice);
  return choice;
}

async function choose(path: string | undefined): Promise<Containment> {
  const found = await findNamespace(path);
  if ("words" in found) return { kind: "namespace", words: () => found.words, refusal: null };
  if (isOnlyTenant()) return { kind: "container", words: () => [], refusal: found.refusal };
  return { kind: "marks", words: taggedCommand, refusal: found.refusal };
}
