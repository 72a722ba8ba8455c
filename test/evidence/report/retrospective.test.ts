import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readReport } from "../../../src/evidence/report/read-report.ts";
import { renderRetrospective, writeRetrospective } from "../../../src/evidence/report/retrospective.ts";
import { tempDir } from "../../support/temp.ts";
import { withHistory } from "./history.ts";
import { NOW, prepared } from "./prepared.ts";

test("what was measured is filled in, and what only a person knows is asked", async () => {
  const state = await prepared();
  await withHistory(state);
  const report = await readReport({ config: state.config, version: "1.2.3", db: state.db, nowMs: NOW });
  const text = renderRetrospective(report, state.config);
  expect(text.match(/^## .*/gm)).toEqual([
    "## Architecture in short",
    "## What broke",
    "## Money against value",
    "## How it ran unattended",
    "## What next",
  ]);
  expect(text).toContain("- Job triage (plain), by hand; a unit saves 3 min at $60 an hour.");
  expect(text).toContain("- The cause: out of memory");
  expect(text).toContain("- ? What was the cause?");
  expect(text).toContain("- Reconcile 1 call of unknown cost: afk ledger");
  expect(text).toMatch(/\| 2026-W46 \|.*\$15\.00/);
  expect(text.match(/^> \? /gm)?.length).toBeGreaterThan(5);
});

test("a draft that is there is never written over", () => {
  const runs = join(tempDir(), "runs");
  const first = writeRetrospective(runs, "first");
  writeFileSync(first, "edited");
  expect(writeRetrospective(runs, "second")).toBe(join(runs, "RETROSPECTIVE-2.md"));
  expect(writeRetrospective(runs, "third")).toBe(join(runs, "RETROSPECTIVE-3.md"));
  expect(readFileSync(first, "utf8")).toBe("edited");
});

test("drafts without end are refused", () => {
  const runs = tempDir();
  for (let number = 1; number <= 50; number++) writeRetrospective(runs, "x");
  expect(() => writeRetrospective(runs, "x")).toThrow("none is overwritten");
  expect(readdirSync(runs)).toHaveLength(50);
});
