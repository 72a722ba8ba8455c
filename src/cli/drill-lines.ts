import type { Drill } from "../drill/harness.ts";
import type { DrillOptions, DrillResult } from "../drill/run-drills.ts";
import { oneLine, paint } from "./output.ts";

/**
 * How `afk drill` shows what it does: on a terminal the drill under way is on the last line until its result takes the
 * place; anywhere else there is one line a drill, when it is over.
 */
export function drillProgress(drills: readonly Drill[]): Pick<DrillOptions, "onStart" | "onEnd"> {
  const { stdout } = process;
  const width = Math.max(...drills.map(({ name }) => name.length), 0);
  let count = 0;
  return {
    onStart(drill) {
      count += 1;
      if (stdout.isTTY) stdout.write(`  ${drill.name.padEnd(width)}  ${count}/${drills.length} …`);
    },
    onEnd(result) {
      const verdict = result.passed ? paint("green", "passed") : paint("red", "FAILED");
      const seconds = `${(result.durationMs / 1_000).toFixed(1)} s`.padStart(7);
      const tail = result.passed ? figuresText(result.figures) : oneLine(result.error ?? "");
      // Erase the line (ECMA-48, EL 2) that says what is under way.
      const start = stdout.isTTY ? "\r\u001b[2K" : "";
      stdout.write(`${start}${verdict}  ${result.name.padEnd(width)} ${seconds}  ${tail}\n`);
    },
  };
}

/** `requestsBefore 2, killToGoneMs 120`. */
function figuresText(figures: DrillResult["figures"]): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${oneLine(String(value))}`)
    .join(", ");
}
