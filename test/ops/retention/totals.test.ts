// @module-tag slow
import { describe, expect, test } from "vitest";
import { dayBounds } from "../../../src/lib/days.ts";
import { retain } from "../../../src/ops/retention/retain.ts";
import { readMeta, writeMeta } from "../../../src/store/meta.ts";
import { seededRandomness } from "../../support/seeded.ts";
import { type OpsHarness, opsHarness } from "../harness.ts";
import { live } from "./history.ts";
import { countRows, openThings } from "./rows.ts";
import { everyTotal } from "./totals.ts";

const DAYS = 200;
/** More steps than the history has. */
const STEPS_MAX = 400;

/** Spans whose old part has a day of 23 hours, of 25, and of half an hour less. */
const ZONES = [
  { timezone: "Europe/Berlin", start: "2026-01-13" },
  { timezone: "America/New_York", start: "2026-07-30" },
  { timezone: "Australia/Lord_Howe", start: "2026-08-20" },
];

describe("what is read of a ledger of 200 days", () => {
  test.each(ZONES)(
    "is the same after each step of rolling it up ($timezone)",
    async ({ timezone, start }) => {
      const { rails, config } = await opsHarness({
        timezone,
        budget: { daily_cap_usd: 1_000, hourly_cap_usd: 900, monthly_cap_usd: 9_000, job_cap_usd: 500 },
        jobs: [
          { name: "digest", kind: "plain", command: ["true"], schedule: "0 6 * * *" },
          { name: "weekly", kind: "plain", command: ["true"], every: "7d" },
        ],
      });
      const startMs = dayBounds(start, timezone).fromMs;
      rails.clock.jump(startMs - rails.clock.nowMs());
      await live(rails, { randomness: seededRandomness(startMs), days: DAYS, callsPerDay: 5 });
      const before = await everyTotal(rails, config, startMs);
      expect(before).toMatchObject({ disagreements: [] });
      const beforeByWeek = await everyTotal(rails, config, startMs, false);
      const rows = await countRows(rails);
      const open = await openThings(rails);

      let steps = 0;
      // Jobs go one pass after their calls.
      for (let pass = 1; pass <= 2; pass++) {
        await rails.store.atomically((trx) => writeMeta(trx, "retained_at", 0));
        for (; (await readMeta(rails.store.db, "retained_at")) === 0 && steps < STEPS_MAX; steps++) {
          await retain({ ...sources({ rails, config }), stepsMax: 1 });
          const isByDay = steps % 8 === 0;
          const now = await everyTotal(rails, config, startMs, isByDay);
          expect(now, `after step ${steps + 1}`).toEqual(isByDay ? before : beforeByWeek);
        }
      }
      expect(await everyTotal(rails, config, startMs)).toEqual(before);
      expect(steps).toBeGreaterThan(20);
      expect(steps).toBeLessThan(STEPS_MAX);

      expect(await openThings(rails)).toEqual(open);
      const left = await countRows(rails);
      for (const table of ["ledger", "jobs", "steps", "outputs", "alerts", "alert_deliveries"])
        expect(left[table], table).toBeLessThan(0.8 * (rows[table] ?? 0));
      expect(left.drafts).toBeLessThan(rows.drafts ?? 0);
      for (const table of ["drills", "incidents", "dead_letters"]) expect(left[table]).toBe(rows[table]);
    },
    240_000,
  );
});

function sources({ rails, config }: Pick<OpsHarness, "rails" | "config">) {
  return { store: rails.store, config, clock: rails.clock, signal: new AbortController().signal };
}
