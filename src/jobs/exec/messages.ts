import type { Marks } from "./marks.ts";

/** What the worker asks of the supervisor, once, over the channel that is its lifeline too. */
export interface Plan {
  command: string[];
  cwd: string;
  env: Record<string, string>;
  marks: Marks;
}

/** What the supervisor reports of the command. A clean exit of the supervisor says that nothing is left. */
export type Report =
  | { type: "started"; pid: number }
  /** `code` is the system's, such as ENOENT. */
  | { type: "unstarted"; code: string; message: string }
  | { type: "ended"; code: number | null; signal: NodeJS.Signals | null }
  /** How many processes the command left behind, and how many of them could not be killed. */
  | { type: "swept"; found: number; left: number };
