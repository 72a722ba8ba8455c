import { AfkError } from "../lib/errors.ts";

/** What was measured: names with their units, for instance `killToGoneMs`. */
export type Figures = Record<string, number | string | boolean>;

/** One thing that had to be so, and what was found. */
export interface Finding {
  expected: string;
  found: string;
  isSo: boolean;
}

/** The rail did not do what it promises, or was not really exercised. */
export class DrillFailed extends AfkError {
  constructor(message: string) {
    super("drill_failed", message, { retry: "never" });
  }
}
