// @module-tag processes
// @module-tag slow
import { mkdirSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { readAgentConfig } from "../../src/agent.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { DAY_MS } from "../../src/lib/durations.ts";
import { readCondition } from "../../src/ops/condition/condition.ts";
import { listFleet, observeFleet } from "../../src/ops/fleet.ts";
import { raiseHighWater } from "../../src/ops/high-water.ts";
import { inspectState } from "../../src/ops/inspect-state.ts";
import { readStatus } from "../../src/ops/status.ts";
import { type Observation, observe } from "../../src/ops/worker.ts";
import { newRunner } from "../../src/rails/machine.ts";
import { databaseNowMs } from "../../src/store/now.ts";
import { openStoreAt } from "../../src/store/open.ts";
import { deployment } from "../support/afk.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { freshDatabase } from "../support/postgres/shared.ts";
import { reserved } from "../support/rails.ts";
import { railsOn } from "../support/rails-on.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const LEASE_MS = 15_000;
const HOUR_MS = 3_600_000;

/** Instants are seen from the database's now. */
interface MachineMade {
  part?: "worker" | "gateway";
  leaseMs: number;
  lookedMs: number;
  lostMs?: number;
  endedMs?: number;
  clockOffMs?: number;
}

const LIVE = { leaseMs: 10_000, lookedMs: -5_000 };
const LOST = { leaseMs: -60_000, lookedMs: -60_000 - LEASE_MS, lostMs: -45_000 };
const ENDED = { leaseMs: -60_000, lookedMs: -60_000, endedMs: -60_000 };

describe.skipIf(problem !== null)(`the worker of a fleet${skipped}`, () => {
  test("is at work while one machine is, whoever holds the lock of this one", async () => {
    const fleet = await fleetOf({ a: LIVE, b: ENDED });
    const { observed, findings } = await fleet.condition();
    expect(observed.worker).toEqual({ state: "working", pid: null });
    expect(findings).toEqual([]);
    // What the lock alone would say, as it is asked on one machine.
    expect((await observe(fleet.config, systemClock)).worker).toEqual({ state: "none" });
  });

  test("is not at work where a process holds the lock and no machine has a lease", async () => {
    const fleet = await fleetOf({ a: LOST });
    const { observed, verdict, findings } = await fleet.condition({ worker: { state: "working", pid: 7 } });
    expect(observed.worker).toEqual({ state: "none" });
    expect(verdict).toBe("unwell");
    expect(findings[0]).toMatchObject({ code: "worker_gone", severity: "bad" });
    expect(findings[0]?.detail).toContain("no machine of the fleet is at work: host-a was the last");
  });

  test("is told by the machine that was at work last: one that ended in order says nothing of the lost", async () => {
    const fleet = await fleetOf({ a: { ...LOST, lookedMs: -2 * HOUR_MS }, b: ENDED });
    const { findings } = await fleet.condition();
    expect(findings.map(({ code }) => code)).toEqual(["machine_lost"]);
  });

  test("is seen by the database's time, also where the clock of who looks is a day off", async () => {
    const fleet = await fleetOf({ a: LIVE });
    for (const offMs of [-DAY_MS, DAY_MS]) {
      const { observed } = await fleet.condition({ nowMs: systemClock.nowMs() + offMs });
      expect(observed.worker.state).toBe("working");
      expect(Math.abs(observed.nowMs - systemClock.nowMs())).toBeLessThan(HOUR_MS);
    }
  });

  test("is seen by the time that holds while the database's clock is not believed", async () => {
    for (const shiftMs of [-HOUR_MS, HOUR_MS]) {
      const fleet = await fleetOf({ a: LIVE });
      await fleet.hold(shiftMs);
      const { observed, findings } = await fleet.condition();
      expect(observed.worker.state).toBe("working");
      expect(findings.map(({ code }) => code)).toEqual(["database_clock"]);
      const { machines } = await listFleet(fleet.db, fleet.config);
      expect(machines.map(({ lease }) => lease.state)).toEqual(["live"]);
    }
  });

  test("has spent the same in an hour where the clock of who looks is two hours off", async () => {
    const fleet = await fleetOf({ a: LIVE });
    const clock = fakeClock(systemClock.nowMs());
    await reserved(railsOn(fleet.store, fleet.config.paths.state, { clock }), 20_000);
    for (const offMs of [-2 * HOUR_MS, 0, 2 * HOUR_MS]) {
      const off = { ...systemClock, nowMs: () => systemClock.nowMs() + offMs };
      const outside = await observe(fleet.config, off);
      const { facts, findings } = await readCondition({ ...fleet, clock: off }, outside);
      expect(facts.spend.rows.find(({ window }) => window === "hour")?.reserved).toBe(0.02);
      expect(findings).toEqual([]);
    }
  });

  test("is no older copy to whoever looks while a tick begins", async () => {
    const { config, store } = await fleetOf({ a: LIVE });
    await store.atomically((trx) =>
      trx.insertInto("owners").values({ agent: config.agent, since_at: 1 }).execute(),
    );
    const raise = () => raiseHighWater(store, config.paths.highWater);
    const looking = new AbortController();
    const raising = (async () => {
      while (!looking.signal.aborted) await raise();
    })();
    for (let looks = 0; looks < 20; looks++) {
      const observed = await observe(config, systemClock);
      const kill = await inspectState(config, async (seen) => {
        await raise();
        return (await readCondition({ ...seen, clock: systemClock }, observed)).kill;
      });
      expect(kill).toBeNull();
    }
    looking.abort();
    await raising;
  });

  test("that lost one machine goes on and needs a person, for a day", async () => {
    const fleet = await fleetOf({ a: LIVE, b: LOST });
    const { verdict, findings } = await fleet.condition();
    expect({ verdict, codes: findings.map(({ code }) => code) }).toEqual({
      ...{ verdict: "needs_person", codes: ["machine_lost"] },
    });
    expect(findings[0]).toMatchObject({ text: "machine host-b is lost", command: "afk machines" });
    const later = await fleetOf({ a: LIVE, b: { ...LOST, lostMs: -DAY_MS - HOUR_MS } });
    expect((await later.condition()).verdict).toBe("new");
  });

  test("tells of a machine whose clock is more than a minute off, and of no other", async () => {
    const fleet = await fleetOf({
      a: { ...LIVE, clockOffMs: -61_000 },
      b: { ...LIVE, clockOffMs: 59_000 },
      c: { ...ENDED, clockOffMs: HOUR_MS },
    });
    const { findings } = await fleet.condition();
    expect(findings.map(({ code, text }) => `${code}: ${text}`)).toEqual([
      "machine_clock: the clock of machine host-a is wrong",
    ]);
    expect(findings[0]?.detail).toContain("1 min 1 s behind the database's");
  });

  test("has its tick that hangs told of, whatever the other machines do meanwhile", async () => {
    const fleet = await fleetOf({ a: LIVE, b: LIVE });
    const nowMs = await databaseNowMs(fleet.db);
    const tick = async (id: string, machine: string, startedMs: number, endedMs: number | null) =>
      await fleet.db
        .insertInto("ticks")
        .values({
          ...{ id, started_at: nowMs - startedMs, machine: fleet.idOf(machine), by_hand: 0, version: "1" },
          ...{ outcome: endedMs === null ? "running" : "idle", reason: null, units: 0, cost_micros: 0 },
          ...{ finished_at: endedMs === null ? null : nowMs - endedMs, next_due_at: null },
        })
        .execute();
    await tick("hangs", "a", 20 * HOUR_MS, null);
    for (let minutes = 90; minutes > 0; minutes -= 5)
      await tick(`other-${minutes}`, "b", minutes * 60_000, minutes * 60_000 - 1_000);
    const { findings, notices } = await fleet.condition();
    expect(findings).toMatchObject([{ code: "tick_hanging" }]);
    expect(findings[0]?.detail).toMatch(
      /^the tick that began at .* on host-a has not ended: its process hangs$/,
    );
    expect(notices).toMatchObject([{ event: "heartbeat_late", title: "A tick hangs on host-a" }]);
    // What is seen of the latest tick alone.
    await fleet.db
      .updateTable("machines")
      .set({ ended_at: nowMs })
      .where("id", "=", fleet.idOf("a"))
      .execute();
    expect((await fleet.condition()).findings).toEqual([]);
  });

  test("is no gateway's, and a gateway is no worker", async () => {
    const fleet = await fleetOf({ a: { ...LIVE, part: "gateway", clockOffMs: 61_000 }, b: ENDED });
    const { observed, findings } = await fleet.condition();
    expect(observed.worker).toEqual({ state: "none" });
    expect(observed.gateway).toEqual({ state: "working", pid: null });
    expect(findings.map(({ code }) => code)).toEqual(["machine_clock"]);
    const suspended = { state: "suspended", pid: 7 } as const;
    expect((await fleet.condition({ gateway: suspended })).observed.gateway).toEqual(suspended);
    const lost = await fleetOf({ a: { ...LOST, part: "gateway" }, b: LIVE });
    const { observed: after, findings: told } = await lost.condition({
      gateway: { state: "working", pid: 7 },
    });
    expect(after.gateway).toEqual({ state: "none" });
    expect(told.map(({ text }) => text)).toEqual(["the gateway of machine host-a is lost"]);
  });

  test("needs a person while a failover, or a jump of the database's clock, is not confirmed", async () => {
    const fleet = await fleetOf({ a: LIVE });
    const nowMs = await databaseNowMs(fleet.db);
    const reason = "the database failed over: its server was promoted. Look, then: afk resume";
    await fleet.db
      .insertInto("database_events")
      .values({
        generation: 7,
        event: "failover_seen",
        at: nowMs - 60_000,
        reason,
        told_at: 1,
        confirmed_at: null,
      })
      .execute();
    await fleet.db.updateTable("gate").set({ shift_ms: -HOUR_MS, latest_at: nowMs }).execute();
    const { verdict, findings } = await fleet.condition();
    expect(verdict).toBe("needs_person");
    expect(findings).toMatchObject([
      { code: "failover_seen", command: "afk resume", detail: `${reason}. It was seen 1 min ago` },
      { code: "database_clock", command: "afk resume" },
    ]);
    expect(findings[1]?.detail).toContain("1 h ahead of the agent's time");
    await fleet.hold(HOUR_MS);
    await fleet.db.updateTable("database_events").set({ confirmed_at: nowMs }).execute();
    const after = (await fleet.condition()).findings;
    expect(after).toMatchObject([{ code: "database_clock", command: "afk resume --clock" }]);
    expect(after[0]?.detail).toContain("1 h behind the agent's time");
  });

  test("shows a tick of a machine that is gone as crashed, and one of a machine that is there as running", async () => {
    const fleet = await fleetOf({ a: LIVE, b: LOST });
    const nowMs = await databaseNowMs(fleet.db);
    for (const [name, startedMs] of [
      ["a", 600_000],
      ["b", 900_000],
    ] as const)
      await fleet.db
        .insertInto("ticks")
        .values({
          ...{
            id: `tick-${name}`,
            started_at: nowMs - startedMs,
            outcome: "running",
            machine: fleet.idOf(name),
          },
          ...{ finished_at: null, reason: null, units: 0, cost_micros: 0, by_hand: 0, next_due_at: null },
          version: "1",
        })
        .execute();
    const status = await readStatus({ ...fleet, version: "1", clock: systemClock });
    expect(status.ticks.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      "tick-b crashed",
      "tick-a running",
    ]);
    expect(status.machines.map(({ name, lease }) => `${name} ${lease.state}`)).toEqual([
      "host-a live",
      "host-b lost",
    ]);
  });
});

test("without a fleet nothing is asked and nothing is added", async () => {
  const { dir, configFile } = deployment({
    agent: "one",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: [],
  });
  const config = readAgentConfig({ config: configFile, state: `${dir}/state`, environment: {} });
  const observed = await observe(config, systemClock);
  expect(await observeFleet(undefined as never, config, observed)).toBe(observed);
  expect(observed.machines).toEqual([]);
});

async function fleetOf(machines: Record<string, MachineMade>) {
  const { dir, configFile } = deployment({
    ...{ agent: "several", budget: { daily_cap_usd: 1 }, models: { chain: ["extractive"] } },
    database: { url: await freshDatabase() },
    jobs: [],
  });
  const config = readAgentConfig({ config: configFile, state: `${dir}/state`, environment: {} });
  // A switch whose folder is gone counts as set.
  mkdirSync(config.paths.state);
  const store = await openStoreAt({ path: config.paths.database, target: config.database });
  onTestFinished(() => store.close());
  const { db } = store;
  const nowMs = await databaseNowMs(db);
  const idOf = (name: string) => `${name}`.padEnd(26, "0");
  for (const [name, made] of Object.entries(machines)) {
    const { part = "worker", leaseMs, lookedMs, lostMs = null, endedMs = null, clockOffMs = 0 } = made;
    await db
      .insertInto("machines")
      .values({
        ...{ id: idOf(name), runner: newRunner(idOf(name), part, nowMs), part, name: `host-${name}` },
        ...{ boot_id: "b", pid: 1, process_started: "", version: "1", level: "0013-fleet" },
        ...{ started_at: nowMs - HOUR_MS, lease_until: nowMs + leaseMs, looked_at: nowMs + lookedMs },
        ...{ clock_off_ms: clockOffMs, lost_at: lostMs === null ? null : nowMs + lostMs },
        ended_at: endedMs === null ? null : nowMs + endedMs,
      })
      .execute();
  }
  const condition = async (changed: Partial<Observation> = {}) =>
    await readCondition(
      { config, db, clock: systemClock },
      { ...(await observe(config, systemClock)), ...changed },
    );
  /** As where its clock has jumped: its time goes on from where it was. */
  const hold = async (shiftMs: number) => {
    await db
      .updateTable("gate")
      .set({ shift_ms: shiftMs, latest_at: nowMs + shiftMs })
      .execute();
    await db
      .updateTable("machines")
      .set((eb) => ({
        lease_until: eb("lease_until", "+", shiftMs),
        looked_at: eb("looked_at", "+", shiftMs),
      }))
      .execute();
  };
  return { config, store, db, idOf, condition, hold };
}
