// @module-tag processes
// @module-tag slow
import { describe, expect, test } from "vitest";
import { createOutbox } from "../../../src/alerts/outbox.ts";
import type { Config, JobConfig } from "../../../src/config/config.ts";
import { MINUTE_MS } from "../../../src/lib/durations.ts";
import type { Log } from "../../../src/lib/log.ts";
import { enqueueDue } from "../../../src/runner/phases/enqueue-due.ts";
import type { Store } from "../../../src/store/store.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { fleetOfStores } from "../../support/postgres/stores.ts";
import { seededRandomness } from "../../support/seeded.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const START_MS = Date.parse("2026-11-21T10:00:00Z");
// Some seconds, on a machine that does nothing else.
const LIMIT_MS = 480_000;

describe.skipIf(problem !== null)(`the schedules of a fleet${skipped}`, { timeout: LIMIT_MS }, () => {
  test("add one run for each of 10,000 slots, whatever machines come and go", async () => {
    const { stores, another } = await fleetOfStores(3);
    const { jobs, slots } = await pass({ stores, another, names: 100, slots: 100, by: (store) => store });
    expect(jobs).toBe(10_000);
    expect(slots).toBe(10_000);
  });

  test("would add some twice, were their rows not behind the gate", async () => {
    const { stores, another } = await fleetOfStores(3);
    const ungated = (store: Store): Store => ({
      ...store,
      atomically: (work) => store.db.transaction().execute((trx) => work(trx)),
    });
    const { jobs } = await pass({ stores, another, names: 50, slots: 3, by: ungated });
    expect(jobs).toBeGreaterThan(50 * 3);
  });
});

interface Fleet {
  stores: Store[];
  another(): Promise<Store>;
  names: number;
  slots: number;
  /** What a machine writes by. */
  by(store: Store): Store;
}

/**
 * Lets so many slots of so many jobs pass. At each of them some machines look, all at once and each by a clock that is off by some
 * milliseconds; now and then one is replaced.
 * @returns how many jobs there are then, and of how many slots; a slot is one of the minutes that passed.
 */
async function pass({ stores, another, names, slots, by }: Fleet) {
  const { random } = seededRandomness();
  const jobs = Array.from({ length: names }, (_, number) => jobEveryMinute(`job-${number}`));
  const config = { jobs, timezone: "UTC", tickSeconds: 60 } as unknown as Config;
  const machines = [...stores];
  for (let slot = 0; slot < slots; slot++) {
    if (slot % 25 === 24) machines[Math.floor(random() * machines.length)] = await another();
    const there = machines.filter(() => random() < 0.7);
    const looking = there.length === 0 ? machines.slice(0, 1) : there;
    await Promise.all(
      looking.map(async (machine) => {
        const clock = fakeClock(
          START_MS + slot * MINUTE_MS + 1_000 * (slot > 0 ? 1 : 0) + Math.floor(random() * 500),
        );
        const outbox = createOutbox({
          agent: "test",
          timezone: "UTC",
          clock,
          log: SILENT,
          redact: (text) => text,
        });
        await enqueueDue({ config, store: by(machine), outbox, clock }, () => null);
      }),
    );
  }
  const rows = await stores[0]!.db.selectFrom("jobs").select(["name", "slot_at"]).execute();
  const minutes = rows.map(({ name, slot_at }) => `${name} ${Math.floor((slot_at - START_MS) / MINUTE_MS)}`);
  return { jobs: rows.length, slots: new Set(minutes).size };
}

const SILENT: Log = { event() {}, child: () => SILENT };

function jobEveryMinute(name: string): JobConfig {
  const schedule = { type: "every", intervalMs: MINUTE_MS };
  return { name, kind: "work", retry: { attempts: 3 }, schedule } as unknown as JobConfig;
}
