import type { OpenedFile } from "../store/sqlite/opened-files.ts";
import type { WedgeLimits } from "./wedge-steps.ts";

/** What the main thread hands to its guard when it starts it. Paths are absolute. */
export interface WedgeTask {
  /** Shared between the threads, indexed by FLAG. */
  flags: Int32Array<SharedArrayBuffer>;
  limits: WedgeLimits;
  /** Of the state, as they were opened. */
  files: readonly OpenedFile[];
  database: string;
  stopFile: string;
  marker: string;
  logs: string;
  logMaxBytes: number;
  /** For the redactor of its log line. */
  secrets: string[];
}

/**
 * `pulse` is a count, which may wrap around, as is `begun`: how often work has begun or was done, which wakes the guard.
 * The others are 0 or 1.
 */
export const FLAG = { pulse: 0, isAtWork: 1, isToldToEnd: 2, isDone: 3, begun: 4 } as const;

export function createFlags(): Int32Array<SharedArrayBuffer> {
  const { BYTES_PER_ELEMENT } = Int32Array;
  return new Int32Array(new SharedArrayBuffer(Object.keys(FLAG).length * BYTES_PER_ELEMENT));
}
