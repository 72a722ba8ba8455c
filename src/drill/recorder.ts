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

interface Written {
  /** What was done. */
  steps: string[];
  findings: Finding[];
  /** Limits that are not the real ones, a sentence each. */
  differences: string[];
  figures: Figures;
}

/** What came of one drill, to be written down. Instants are epoch milliseconds. */
export interface Outcome extends Readonly<Written> {
  name: string;
  /** What it fires, and why that matters; null for a drill that is somebody else's. */
  description: string | null;
  promise: string | null;
  startedAt: number;
  finishedAt: number;
  /** Null when it passed. */
  error: string | null;
  /** The command that does it again. */
  repeat: string;
}

/** What a drill writes down while it goes on; it is kept however the drill ends. */
export interface Recorder extends Written {
  /** Writes down what was done. */
  did(step: string): void;
  /** Writes down what had to be so. @throws DrillFailed when it is not. */
  expect(expected: string, isSo: boolean, found: string): void;
  /** Writes down a limit that is not the real one, once. */
  differ(words: string): void;
}

/** A record in which nothing is written yet. */
export function openRecorder(): Recorder {
  const written: Written = { steps: [], findings: [], differences: [], figures: {} };
  return {
    ...written,
    did: (step) => void written.steps.push(step),
    expect(expected, isSo, found) {
      written.findings.push({ expected, isSo, found });
      if (!isSo) throw new DrillFailed(`expected: ${expected}; found: ${found}`);
    },
    differ(words) {
      if (!written.differences.includes(words)) written.differences.push(words);
    },
  };
}
