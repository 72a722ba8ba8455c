import { expect, test } from "vitest";
import { configHash } from "../../../src/config/hash.ts";
import { recordDrill } from "../../../src/evidence/drills.ts";
import { renderDemo } from "../../../src/evidence/report/demo.ts";
import { readReport } from "../../../src/evidence/report/read-report.ts";
import { readShown } from "../../../src/evidence/report/read-shown.ts";
import { readLastResults } from "../../../src/ops/last-results.ts";
import { withHistory } from "./history.ts";
import { NOW, type Prepared, prepared } from "./prepared.ts";

const DRILLS = ["cap", "crash", "wedge", "alert"].map((name) => ({ name, promise: `The ${name} holds.` }));

async function fired(state: Prepared, name: string, over: Record<string, unknown>): Promise<void> {
  const row = {
    ...{ id: `${name}-${over.finished_at ?? 0}`, name, passed: 1, version: "1.2.3", host: "h" },
    ...{ config_hash: configHash(state.config), started_at: 0, finished_at: NOW, figures: "{}", error: null },
    ...{ file: `drill-${name}.md`, ...over },
  };
  await state.harness.rails.store.atomically((trx) => recordDrill(trx, row));
}

const shownBy = ({ db, config }: Prepared) => readShown({ db, config, version: "1.2.3", drills: DRILLS });

test("each promise has what this deployment's own records show of it", async () => {
  const state = await prepared();
  await withHistory(state);
  await fired(state, "cap", {});
  await fired(state, "crash", { config_hash: "another" });
  await fired(state, "wedge", { finished_at: NOW - 1 });
  await fired(state, "wedge", { passed: 0, error: "it hung" });
  const shown = await shownBy(state);
  expect(shown.slice(0, 4).map(({ state, proof }) => [state, proof])).toEqual([
    ["shown", "drill cap: runs/drill-cap.md"],
    ["earlier", "drill crash: runs/drill-crash.md"],
    ["failed", "drill wedge: runs/drill-wedge.md"],
    ["not yet", "never fired here"],
  ]);
  expect(shown.find(({ what }) => what === "What broke was explained")).toMatchObject({
    state: "shown",
    proof: "1 incident",
  });
  expect(shown.filter(({ state }) => state === "not yet").every(({ atMs }) => atMs === null)).toBe(true);
});

test("DEMO.md says what it does, how to show it, and how much of it was shown", async () => {
  const state = await prepared();
  await withHistory(state);
  await fired(state, "cap", {});
  const { db, config } = state;
  const report = await readReport({ config, version: "1.2.3", db, nowMs: NOW });
  const results = await readLastResults(db, config.jobs);
  const shown = await shownBy(state);
  const text = renderDemo({ report, config, shown, results });
  expect(text).toContain(`2 of ${shown.length} are shown by this deployment's own records`);
  expect(text).toContain(
    "| The cap holds | yes | drill cap: runs/drill-cap.md | 2026-11-21 12:00 | `afk drill cap` |",
  );
  expect(text).toContain("| digest | plain | by hand | - | never run |");
  for (const [, command] of text.matchAll(/^\d+\. `afk (\w+)/gm))
    expect(command).toMatch(/^(?:status|drill|alert|report)$/);
});
