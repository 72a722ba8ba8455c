import type { Figures, Finding } from "./findings.ts";

/** What came of one drill, to be written down. Instants are epoch milliseconds. */
export interface Outcome {
  name: string;
  /** What it fires, and why that matters; null for a drill that is somebody else's. */
  description: string | null;
  promise: string | null;
  startedAt: number;
  finishedAt: number;
  steps: readonly string[];
  findings: readonly Finding[];
  /** Limits that were not the real ones, in words. */
  differences: readonly string[];
  figures: Figures;
  /** Null when it passed. */
  error: string | null;
  /** The command that does it again. */
  repeat: string;
}
