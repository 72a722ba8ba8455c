import { onTestFinished } from "vitest";
import type { Tools } from "../../bench/harness/benchmark.ts";
import { tempDir } from "../support/temp.ts";

/** What a benchmark is handed, for a test; `calibrated` counts the fsync loops that it asked for. */
export function testTools(): Tools & { calibrated: () => number } {
  let calibrated = 0;
  return {
    folder: tempDir,
    isFull: false,
    calibrate: () => {
      calibrated += 1;
    },
    calibrated: () => calibrated,
    say: () => undefined,
    after: (cleanUp) => onTestFinished(async () => void (await cleanUp())),
  };
}
