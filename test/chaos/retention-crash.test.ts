import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { dayBounds } from "../../src/lib/days.ts";
import { writeMeta } from "../../src/store/meta.ts";
import { opsHarness } from "../ops/harness.ts";
import { live } from "../ops/retention/history.ts";
import { countRows, openThings } from "../ops/retention/rows.ts";
import { everyTotal } from "../ops/retention/totals.ts";
import { patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";

const TIMEZONE = "Europe/Berlin";
/** Its old part has the day of 25 hours. */
const START = "2026-10-20";
const DAYS = 106;
const CHILD = fileURLToPath(new URL("./support/retain-child.ts", import.meta.url));
const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
const KILLS_MAX = 200;

it(
  "loses no total and nothing that is open by a kill in the middle of a step of retention, or right behind one",
  async () => {
    const { rails, config } = await opsHarness({
      timezone: TIMEZONE,
      budget: { daily_cap_usd: 1_000 },
      jobs: [
        { name: "digest", kind: "plain", command: ["true"], schedule: "0 6 * * *" },
        { name: "weekly", kind: "plain", command: ["true"], every: "7d" },
      ],
    });
    const startMs = dayBounds(START, TIMEZONE).fromMs;
    rails.clock.jump(startMs - rails.clock.nowMs());
    await live(rails, { randomness: seededRandomness(7), days: DAYS, callsPerDay: 4 });
    const before = await everyTotal(rails, config, startMs, false);
    const open = await openThings(rails);
    const rows = await countRows(rails);

    let kills = 0;
    const sweep = async (point: string) => {
      const end = await runChild([rails.path, String(rails.clock.nowMs()), TIMEZONE], point, rails.dir);
      if (end === "SIGKILL") kills += 1;
      else expect(end).toBe(0);
      expect(
        await everyTotal(rails, config, startMs, false),
        `after a kill at ${point}, the ${kills}.`,
      ).toEqual(before);
      expect(await openThings(rails)).toEqual(open);
      return end === "SIGKILL";
    };
    // Jobs go one pass after their calls.
    for (let pass = 1; pass <= 2; pass++) {
      await rails.store.atomically((trx) => writeMeta(trx, "retained_at", 0));
      // By turns in the middle of the second transaction and right behind the first: one is done each time. Where it found
      // nothing to remove, the kill comes one later.
      for (let at = 1; kills < KILLS_MAX; ) {
        const there = JSON.stringify(await countRows(rails));
        if (!(await sweep(kills % 2 === 0 ? `${at + 1}:before` : `${at}:after`))) break;
        at = JSON.stringify(await countRows(rails)) === there ? at + 1 : 1;
      }
    }
    report("kills in retention", kills, "in the middle of a transaction, and right behind one");
    expect(kills).toBeGreaterThan(20);
    expect(kills).toBeLessThan(KILLS_MAX);
    const left = await countRows(rails);
    for (const table of ["ledger", "jobs", "steps", "ticks", "alerts"])
      expect(left[table], table).toBeLessThan(rows[table] ?? 0);
  },
  patience({ test: 300_000, chaos: 300_000 }),
);

/** The signal that ended it, else its exit code. */
async function runChild(args: string[], point: string, dir: string): Promise<unknown> {
  const child = spawn(process.execPath, [CHILD, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      NODE_OPTIONS: `--import=${PRELOAD}`,
      CRASH_LOG: join(dir, "steps.log"),
      CRASH_AT: point,
    },
  });
  const [code, signal] = await once(child, "exit");
  return signal ?? code;
}
