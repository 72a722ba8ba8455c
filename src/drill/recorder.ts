import { DrillFailed, type Figures, type Finding } from "./findings.ts";

/** What a drill writes down while it goes on; it is kept however the drill ends. */
export interface Recorder {
  steps: string[];
  findings: Finding[];
  /** Limits that are not the real ones, in words. */
  differences: string[];
  figures: Figures;
  /** Writes down what was done. */
  did(step: string): void;
  /** Writes down what had to be so. @throws DrillFailed when it is not. */
  expect(expected: string, isSo: boolean, found: string): void;
  /** Writes down a limit that is not the real one, once. */
  differ(words: string): void;
}

export function openRecorder(): Recorder {
  const recorder: Recorder = {
    steps: [],
    findings: [],
    differences: [],
    figures: {},
    did: (step) => void recorder.steps.push(step),
    expect(expected, isSo, found) {
      recorder.findings.push({ expected, isSo, found });
      if (!isSo) throw new DrillFailed(`expected: ${expected}; found: ${found}`);
    },
    differ(words) {
      if (!recorder.differences.includes(words)) recorder.differences.push(words);
    },
  };
  return recorder;
}
