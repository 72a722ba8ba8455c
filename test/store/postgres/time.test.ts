// @module-tag processes
// @module-tag slow
import { describe, expect, test } from "vitest";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { databaseClock } from "../../../src/store/postgres/clock.ts";
import type { AtGate } from "../../../src/store/postgres/gate.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { forTest } from "../../support/postgres/shared.ts";
import { freshState, postgresStore } from "../../support/postgres/state.ts";
import { count, sectionsOn } from "./sections-on.ts";

const problem = postgresProblem();

const nowOf = (session: Session) =>
  session.client.query("select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now");

/** The time of the beginning of a transaction, which may have waited for the gate since. */
const atItsBeginning = (text: string) => text.replaceAll("clock_timestamp()", "now()");
/** Nothing holds an earlier section's time against a clock. */
const withoutLatest = (text: string) =>
  text.replace(/greatest\(before\.latest_at, (clock\.at \+ gate\.shift_ms)\)/, "$1");

describe.skipIf(problem !== null)("the time of a section", () => {
  /** How far its time is from that at which the gate came free, after a wait for it. */
  async function behindOf(plant?: (sql: string) => string): Promise<number> {
    const target = await freshState();
    const holder = await forTest(Session.open(target));
    await holder.begin("", "select 1 from gate where id = 1 for update");
    const { gates, run } = clientOf(target, plant);
    const waiting = run(count);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { rows } = await nowOf(holder);
    await holder.rollback();
    await waiting;
    return rows[0].now - (gates[0]?.nowMs ?? 0);
  }

  test("is read behind the gate, however long it was waited for", async () => {
    expect(await behindOf()).toBeLessThanOrEqual(0);
  });

  test("would be old if it were that of the transaction's beginning", async () => {
    expect(await behindOf(atItsBeginning)).toBeGreaterThan(100);
  });

  /** Times of the sections of four clients, in the order in which they had the gate. */
  async function timesOf(plant?: (sql: string) => string): Promise<number[]> {
    const target = await freshState();
    const clients = Array.from({ length: 4 }, () => clientOf(target, plant));
    await Promise.all(
      clients.map(async ({ run }) => {
        for (let section = 0; section < 25; section++) await run(count);
      }),
    );
    const gates = clients.flatMap((client) => client.gates).sort((a, b) => a.generation - b.generation);
    expect(gates.map(({ generation }) => generation)).toEqual(
      Array.from({ length: 100 }, (_, number) => (gates[0]?.generation ?? 0) + number),
    );
    return gates.map(({ nowMs }) => nowMs);
  }
  const goesBack = (times: number[]) => times.some((time, at) => time < (times[at - 1] ?? 0));

  test("never goes back from one to the next, of whatever client", async () => {
    expect(goesBack(await timesOf())).toBe(false);
  });

  test("does not rest on what is kept of the latest one alone", async () => {
    expect(goesBack(await timesOf(withoutLatest))).toBe(false);
  });

  test("would go back if it were that of the transaction's beginning", async () => {
    expect(goesBack(await timesOf((text) => withoutLatest(atItsBeginning(text))))).toBe(true);
  });

  test("stays where it was when the server's clock is set back, and is what the agent goes by", async () => {
    const target = await freshState();
    const store = await postgresStore(target);
    const clock = store.clockOver(fakeClock());
    const owner = await forTest(Session.open(target));
    const ahead = Date.now() + 3_600_000;
    await owner.client.query(`update "${target.schema}".gate set latest_at = $1`, [ahead]);
    await store.atomically(count);
    const first = clock.nowMs();
    expect(first).toBeGreaterThanOrEqual(ahead);
    expect(first).toBeLessThan(ahead + 60_000);
    // As after a failover to a server whose clock is behind.
    await owner.client.query(`update "${target.schema}".gate set latest_at = 0`);
    await store.atomically(count);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(first);
  });
});

test("the time of a machine that was carried ahead of the database's waits for it, and goes on by it", () => {
  let uptimeMs = 0;
  const clock = databaseClock({ nowMs: () => 0, uptimeMs: () => uptimeMs });
  const now = clock.over(fakeClock()).nowMs;
  const times = [0, 20_000, 80_000, 81_000].map((databaseMs) => {
    const time = { beforeMs: 0, databaseMs, shiftMs: 0, setAt: 0 };
    clock.read({ nowMs: databaseMs, time });
    const atRead = now();
    uptimeMs += 60_000;
    return [atRead, now()];
  });
  expect(times).toEqual([
    [0, 60_000],
    [60_000, 80_000],
    [80_000, 140_000],
    [140_000, 141_000],
  ]);
});

function clientOf(target: DatabaseTarget, plant?: (sql: string) => string) {
  const gates: AtGate[] = [];
  const { run } = sectionsOn(target, {
    onGate: async (_trx, gate) => {
      gates.push(gate);
      return false;
    },
    ...(plant !== undefined && { plant }),
  });
  return { gates, run };
}
