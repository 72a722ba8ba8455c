import { expect, test } from "vitest";
import { FAULT_NAMES } from "../../src/simulate/fault-names.ts";
import { openSimulator } from "../../src/simulate/simulate.ts";
import { configFile, TRIAGE_WORKER } from "../simulate/support/config.ts";
import { kinds } from "../simulate/support/triage.ts";
import { cases, patience, report } from "../support/chaos.ts";

const SEEDS = cases({ test: 50, chaos: 1_000 });
const DAYS = { test: 1, chaos: 4 };
const THREADS = 2;

test(
  "everything holds in days of trouble, whatever the seed",
  async () => {
    const config = configFile();
    const stated = Number(process.env.AFK_SEED);
    const seeds = stated > 0 ? [stated] : Array.from({ length: SEEDS }, (_, index) => index + 1);
    const fingerprints = new Set<string>();
    const days = patience(DAYS);
    let steps = 0;
    const broken: string[] = [];

    async function work(): Promise<void> {
      const simulator = openSimulator({ script: TRIAGE_WORKER });
      try {
        for (let seed = seeds.pop(); seed !== undefined; seed = seeds.pop()) {
          const result = await simulator.run({
            config,
            environment: {},
            kinds,
            days,
            seed,
            faults: FAULT_NAMES,
          });
          fingerprints.add(result.fingerprint);
          steps += result.steps;
          if (result.violation !== null)
            broken.push(`AFK_SEED=${seed}: ${result.violation.invariant}: ${result.violation.message}`);
        }
      } finally {
        await simulator.close();
      }
    }

    const count = seeds.length;
    await Promise.all(Array.from({ length: THREADS }, work));
    report("simulated days", count, `${days} days each, ${steps} steps checked`);
    expect(broken).toEqual([]);
    expect(fingerprints.size).toBe(count);
  },
  patience({ test: 300_000, chaos: 4 * 3_600_000 }),
);
