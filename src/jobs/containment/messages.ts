import type { ContainmentKind } from "./containment.ts";
import type { ProcessTags } from "./process-tags.ts";

/** A program to run: its words as the system takes them, no shell looks at them. */
export interface Program {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
}

/** What the worker asks of the supervisor, once, over the channel that is its lifeline too. */
export interface Plan {
  program: Program;
  tags: ProcessTags;
  kind: ContainmentKind;
  /** The PID namespace that afk itself is in, where the program is to be in another. */
  outside: string | null;
}

/** What the supervisor reports of the program. A clean exit of the supervisor says that nothing is left. */
export type Report =
  /** It listens; nothing runs before it is told what. */
  | { type: "ready" }
  /** As the supervisor counts: in a namespace the pid is another outside. */
  | { type: "started"; pid: number }
  /** `code` is the system's, such as ENOENT. */
  | { type: "unstarted"; code: string; message: string }
  | { type: "ended"; code: number | null; signal: NodeJS.Signals | null }
  /** How many processes the program left behind, and how many of them could not be killed. */
  | { type: "swept"; found: number; left: number };
