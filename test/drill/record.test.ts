import { expect, it } from "vitest";
import { renderRecord } from "../../src/drill/record.ts";
import type { Outcome } from "../../src/drill/recorder.ts";
import type { DrillRow } from "../../src/evidence/drills.ts";

const OUTCOME: Outcome = {
  name: "stop-file",
  description: "The STOP file ends a worker",
  promise: "One file stops the agent.",
  startedAt: Date.parse("2026-11-21T10:00:00Z"),
  finishedAt: Date.parse("2026-11-21T10:00:02.500Z"),
  steps: ["Wrote the STOP file.", "Started another worker."],
  findings: [
    { expected: "the worker is gone", isSo: true, found: "after 412 ms" },
    { expected: "no request was made", isSo: false, found: "1 | 2\n<b>requests</b>" },
  ],
  differences: ["The caps are left out."],
  figures: { stopToGoneMs: 412, requestsAfter: 3 },
  error: "expected: no request was made; found: 1",
  repeat: "afk drill stop-file",
};

const ROW: DrillRow = {
  id: "01abc",
  name: "stop-file",
  passed: 0,
  version: "0.1.0",
  config_hash: "c0ffee",
  host: "vm-1",
  started_at: OUTCOME.startedAt,
  finished_at: OUTCOME.finishedAt,
  figures: "{}",
  error: OUTCOME.error,
  file: "drill-stop-file-2026-11-21.md",
};

it("says what was done, what was expected, what happened, the figures, the verdict and how to repeat it", () => {
  expect(renderRecord(OUTCOME, ROW, { agent: "digest", timezone: "UTC" })).toBe(`# Drill stop-file: FAILED

The STOP file ends a worker. One file stops the agent.

| What | Which |
|---|---|
| drill | 01abc, in the table drills |
| agent | digest |
| afk | 0.1.0 |
| configuration | c0ffee |
| host | vm-1 |
| began | 2026-11-21T10:00:00.000Z (the agent's days are those of UTC) |
| took | 2.5 s |

## What was done

1. Wrote the STOP file.
2. Started another worker.

## Where the drill differs from the configuration

- The caps are left out.

## What had to happen, and what happened

Times are measured by looking every 10 ms.

| So | Expected | Found |
|---|---|---|
| yes | the worker is gone | after 412 ms |
| **NO** | no request was made | 1 \\| 2 <b>requests</b> |

## Figures

| Figure | Value |
|---|---|
| stopToGoneMs | 412 |
| requestsAfter | 3 |

## Verdict

**Failed:** expected: no request was made; found: 1

## To repeat it

    afk drill stop-file
`);
});

it("leaves out what there is nothing of", () => {
  const bare = {
    ...OUTCOME,
    description: null,
    promise: null,
    steps: [],
    findings: [],
    differences: [],
    figures: {},
    error: null,
  };
  const text = renderRecord(bare, { ...ROW, error: null }, { agent: "digest", timezone: "UTC" });
  expect([...text.matchAll(/^##? (.*)$/gm)].map(([, title]) => title)).toEqual([
    "Drill stop-file: PASSED",
    "Verdict",
    "To repeat it",
  ]);
});
