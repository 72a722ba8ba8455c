import { join } from "node:path";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { openStore } from "../../src/store/sqlite/open.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { railsOn } from "../support/rails-on.ts";
import { tempDir } from "../support/temp.ts";
import { budgetCommands, type Real } from "./support/budget-commands.ts";
import { type Model, ZONE } from "./support/budget-model.ts";
import { workInMemory } from "./support/in-memory.ts";

/** An evening whose month and daylight are about to change. */
const START = Date.parse("2026-10-24T20:00:00Z");
const CAPS = {
  day_micros: 2_000,
  hour_micros: 1_000,
  month_micros: 3_000,
  job_micros: 900,
  tick_micros: 700,
};

workInMemory();

it(
  "is at every moment what a list of its calls adds up to, and refuses exactly what has no room, whatever happens to it",
  async () => {
    const seed = chaosSeed("budget model");
    const numRuns = cases({ test: 500, chaos: 50_000 });
    const { real, empty } = await realBudget();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.commands(budgetCommands(), { maxCommands: 30, size: "max" }), async (commands) => {
        await empty();
        await fc.asyncModelRun(() => ({ model: newModel(real), real }), commands);
        runs += 1;
      }),
      { numRuns, seed },
    );
    const { commands, accepted, refused, overruns, recovered } = real.met;
    for (const count of [accepted, refused, overruns, recovered]) expect(count).toBeGreaterThan(0);
    report(
      "budget model",
      runs,
      `${commands} commands: ${accepted} reservations accepted, ${refused} refused, ${overruns} billed above their bound, ${recovered} recovered`,
    );
  },
  patience({ test: 300_000, chaos: 6 * 3_600_000 }),
);

async function realBudget(): Promise<{ real: Real; empty: () => Promise<void> }> {
  const dir = tempDir();
  const path = join(dir, "afk.db");
  let store = await openStore(path);
  onTestFinished(() => store.close());
  const rails = () =>
    railsOn(store, dir, {
      clock: fakeClock(START),
      timezone: ZONE,
      budget: { ...CAPS, warningThresholds: [0.5] },
    });
  const real: Real = {
    rails: rails(),
    met: { commands: 0, accepted: 0, refused: 0, overruns: 0, recovered: 0 },
    async reopen() {
      await store.close();
      store = await openStore(path);
      const { clock, budget } = real.rails;
      real.rails = { ...railsOn(store, dir, { clock }), budget };
    },
  };
  async function empty(): Promise<void> {
    await store.atomically(async (trx) => {
      for (const table of ["ledger", "budget_windows", "budget_clock", "open_periods", "alerts"] as const)
        await trx.deleteFrom(table).execute();
    });
    real.rails = rails();
  }
  return { real, empty };
}

function newModel(real: Real): Model {
  const { clock } = real.rails;
  return { wallMs: START, uptimeMs: clock.uptimeMs(), boot: 1, caps: CAPS, lines: [], time: null };
}
