// @module-tag processes
import { describe, expect, test } from "vitest";
import { whoHasSeen } from "../../src/ops/stop-fleet.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { postgresStore } from "../support/postgres/state.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

const NOW_MS = Date.UTC(2026, 0, 1);
const row = {
  ...{ name: "host", boot_id: "boot", pid: 1, process_started: "1", version: "0.2.0", level: "0013-fleet" },
  ...{
    started_at: NOW_MS - 60_000,
    lease_until: NOW_MS + 12_000,
    looked_at: NOW_MS - 3_000,
    clock_off_ms: 0,
  },
  ...{ lost_at: null, ended_at: null },
};

describe.skipIf(problem !== null)(`who has seen the switch${skipped}`, () => {
  test("is told of each machine that was at work when it was set, and of no other", async () => {
    const store = await postgresStore();
    const machines = {
      "01-looked-since": { looked_at: NOW_MS + 500 },
      "02-looked-before": {},
      // By another machine's clock, which may be this much ahead.
      "03-looked-too-soon": { looked_at: NOW_MS + 50 },
      "04-ended-since": { ended_at: NOW_MS + 20, lease_until: NOW_MS + 20 },
      "05-ended-before": { ended_at: NOW_MS - 20, lease_until: NOW_MS - 20 },
      "06-lease-is-over": { lease_until: NOW_MS - 1_000, looked_at: NOW_MS - 16_000 },
      "07-lost-since": { lease_until: NOW_MS - 15_000, lost_at: NOW_MS + 10 },
      "08-lost-before": { lease_until: NOW_MS - 15_000, lost_at: NOW_MS - 10 },
      "09-alone-and-gone": { lease_until: NOW_MS - 86_400_000 },
    };
    for (const [id, columns] of Object.entries(machines))
      await store.db
        .insertInto("machines")
        .values({ ...row, id, runner: `${id}.worker.1`, ...columns })
        .execute();
    const clock = { nowMs: () => NOW_MS };
    const reached = await whoHasSeen({ db: store.db, clock, waitMs: 500 }, NOW_MS);
    expect(Object.fromEntries(reached?.map(({ id, state }) => [id, state]).sort() ?? [])).toEqual({
      "01-looked-since": "seen",
      "02-looked-before": "unseen",
      "03-looked-too-soon": "unseen",
      "04-ended-since": "ended",
      "06-lease-is-over": "unreachable",
      "07-lost-since": "unreachable",
    });
  });

  test("waits for a machine that looks a little later, and not longer", async () => {
    const store = await postgresStore();
    const machine = { ...row, id: "01-late", runner: "01-late.worker.1" };
    await store.db.insertInto("machines").values(machine).execute();
    const waiting = whoHasSeen({ db: store.db, clock: { nowMs: () => NOW_MS }, waitMs: 60_000 }, NOW_MS);
    await store.db
      .updateTable("machines")
      .set({ looked_at: NOW_MS + 200 })
      .execute();
    expect(await waiting).toMatchObject([{ id: "01-late", state: "seen" }]);
  });
});
