import type { Spread } from "./statistics.ts";

/** A question of speed or size, and how it is answered. One file each in bench/benchmarks/. */
export interface Benchmark {
  name: string;
  /** What is asked, in one line. */
  question: string;
  run(tools: Tools): Promise<Row[]>;
}

export interface Tools {
  /** A new empty folder on the disk that is measured; it goes away when the benchmark is done. */
  folder(): string;
  /** The long form, with `--full`. */
  isFull: boolean;
  /** Runs the fsync loop once more; the harness states its median beside the rows. */
  calibrate(): void;
  /** Says on standard error what is being done. */
  say(text: string): void;
  /** Runs when the benchmark is done, also when it failed; the last one first. */
  after(cleanUp: () => unknown): void;
}

/** One answer: a line of the table. */
export interface Row {
  /** What is measured. */
  subject: string;
  /** What it is measured against, in the same run; null where the goal is in units of its own. */
  baseline: string | null;
  result: Result;
  goal: Goal | null;
}

export type Result =
  | {
      type: "ratio";
      /** Over the rounds. */
      ratio: Spread;
      /** The two sides in their own units: for people, never for a goal. */
      sides: string;
    }
  | {
      type: "figure";
      value: number;
      unit: Unit /** How it spreads, or what else is to be known. */;
      note: string;
    }
  | { type: "not_run"; reason: string /** Of the goal. */; unit: Unit };

/** `x` is a ratio. MB are 1,000,000 bytes. */
export type Unit = "x" | "ms" | "MB" | "bytes" | "/s";

export type Goal = { atMost: number } | { atLeast: number };

/** True when met, false when missed, null when there is no goal or nothing was measured. */
export function isMet({ result, goal }: Pick<Row, "result" | "goal">): boolean | null {
  if (goal === null || result.type === "not_run") return null;
  const value = result.type === "ratio" ? result.ratio.median : result.value;
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}
