import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Invariant } from "../../src/faults/oracles/invariant.ts";
import type { FaultName } from "../../src/simulate/fault-names.ts";
import { openSimulator } from "../../src/simulate/simulate.ts";
import { BUSY, configFile, TRIAGE_WORKER } from "../simulate/support/config.ts";
import { type Planted, plant } from "../simulate/support/planted.ts";
import { kinds } from "../simulate/support/triage.ts";
import { report } from "../support/chaos.ts";

/** Bugs as somebody might make them, each a change of one line, and the invariants that may catch them. */
const BUGS: (Planted & { name: string; caughtBy: Invariant[]; faults: FaultName[]; budget?: object })[] = [
  {
    name: "a daily cap that is ten times what was said",
    file: "rails/windows.ts",
    from: "lowest[amount] = Math.min(...caps);",
    to: "lowest[amount] = 10 * Math.min(...caps);",
    caughtBy: ["cap"],
    faults: [],
    budget: { daily_cap_usd: 0.005 },
  },
  {
    name: "a request that the disk does not know of",
    file: "rails/budget.ts",
    from: 'state: "sending",\n    model',
    to: 'state: "reserved",\n    model',
    caughtBy: ["gates"],
    faults: [],
  },
  {
    name: "a kill switch in the database that nobody looks at",
    file: "rails/kill.ts",
    from: "if (row.set_at === null) return null;",
    to: "if (row.set_at !== -1) return null;",
    caughtBy: ["kill"],
    faults: ["stops"],
  },
  {
    name: "a crash that gives back what may have been billed",
    file: "rails/recover.ts",
    from: 'entry.state === "sending" ? "unknown" : "released"',
    to: '"released"',
    caughtBy: ["unknown"],
    faults: ["kills"],
  },
  {
    name: "a job that forgets what it paid for",
    file: "runner/job/context.ts",
    from: "return found === undefined ? await make() : (JSON.parse(found) as T);",
    to: "return await make();",
    caughtBy: ["replay"],
    faults: ["kills"],
  },
  {
    name: "a job that does not remember what it told of",
    file: "runner/job/run-job.ts",
    from: "for (const key of pending.seen) await rememberSeen",
    to: "for (const key of [] as string[]) await rememberSeen",
    caughtBy: ["once"],
    faults: [],
  },
  {
    name: "budget time that follows a clock that is set back",
    file: "rails/budget-time.ts",
    from: "now: Math.max(row.latest_at, aheadMs",
    to: "now: Math.max(0, aheadMs",
    caughtBy: ["time"],
    faults: ["clock"],
  },
  {
    name: "an alert that counts as sent whatever came of it",
    file: "alerts/deliveries.ts",
    from: 'if (result.ok) return { state: "sent", error: null };',
    to: 'if (result.ok || true) return { state: "sent", error: null };',
    caughtBy: ["alerts"],
    faults: ["channels", "models"],
  },
];

const PATIENCE_MS = 400_000;
/** More than enough for each: which seed catches a bug changes with the sources, and the first one ends the search. */
const SEEDS_MAX = 30;

describe("a simulation catches", () => {
  test.each(BUGS)(
    "$name",
    async ({ name, caughtBy, faults, budget, ...planted }) => {
      const file = configFile({ ...BUSY, ...(budget === undefined ? {} : { budget }) });
      const simulator = openSimulator({ script: TRIAGE_WORKER, execArgv: plant(planted) });
      try {
        for (let seed = 1; seed <= SEEDS_MAX; seed++) {
          const { violation } = await simulator.run({
            config: file,
            environment: {},
            kinds,
            days: 2,
            seed,
            faults,
          });
          if (violation === null) continue;
          report(
            "planted bug",
            1,
            `${name}: caught by ${violation.invariant} with seed ${seed}: ${violation.message}`,
          );
          expect(caughtBy).toContain(violation.invariant);
          return;
        }
        expect.unreachable(`none of ${SEEDS_MAX} seeds caught it`);
      } finally {
        await simulator.close();
      }
    },
    PATIENCE_MS,
  );

  test("nothing where nothing is planted: the lines are those of the sources", () => {
    for (const { file, from } of BUGS) {
      const text = readFileSync(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)), "utf8");
      expect(text.split(from), `${file}: ${from}`).toHaveLength(2);
    }
  });
});
