import type { Source } from "./source.ts";

export interface Breach {
  line: number;
  message: string;
}

/** A rule about one file, with code that breaks it and code that looks like it and does not. */
export interface Rule {
  name: string;
  check(source: Source): Breach[];
  breaks: readonly Snippet[];
  keeps: readonly Snippet[];
}

export type Snippet = readonly [path: string, code: string];

/** A file that may break a rule, and why. An entry that is no longer needed fails the test. */
export interface Exception {
  rule: string;
  path: string;
  reason: string;
}
