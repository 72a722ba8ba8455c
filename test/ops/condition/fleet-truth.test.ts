// @module-tag slow
// @module-tag processes
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { receiver } from "../../alerts/receiver.ts";
import { tick } from "../../cli/commands/in-process.ts";
import { deployment } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshDatabase } from "../../support/postgres/shared.ts";
import { askAll, contradictions } from "./surfaces.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(
  `of a fleet all surfaces say the same${skipped}`,
  { timeout: 120_000 },
  () => {
    it.each([
      { name: "that is between two ticks", other: { endedMs: -1_000 }, codes: [], isFit: true },
      { name: "that has lost a machine", other: { lostMs: -1_000 }, codes: ["machine_lost"], isFit: true },
      {
        name: "whose last machine ended without a word",
        other: { lookedMs: 60_000, leaseMs: 0 },
        codes: ["worker_gone"],
        isFit: false,
      },
    ])("of one $name", async ({ other, codes, isFit }) => {
      const { target, pings } = await fleetWith(other);
      const asked = await askAll(target, pings);
      expect(asked.status.codes).toEqual(codes);
      expect([asked.health, asked.watchdog, asked.healthz].map((each) => each.isFit)).toEqual(
        Array(3).fill(isFit),
      );
      expect(contradictions(asked)).toEqual([]);
    });
  },
);

/** An agent after a tick, and another machine beside it; instants are seen from now. */
async function fleetWith(other: { endedMs?: number; lostMs?: number; lookedMs?: number; leaseMs?: number }) {
  const pings = await receiver(() => ({ body: "OK" }));
  const database = { url: await freshDatabase(), schema: "afk_judged" };
  const target = deployment({
    ...{ agent: "judged", budget: { daily_cap_usd: 1 }, models: { chain: ["extractive"] }, database },
    ...{ heartbeat: { grace: "30m", ping_url: `${pings.url}/ping` }, dashboard: { port: 0 }, jobs: [] },
  });
  await tick(target);
  const store = await openPostgresStore(database);
  onTestFinished(() => store.close());
  const nowMs = systemClock.nowMs();
  const { endedMs = null, lostMs = null, lookedMs = -60_000, leaseMs = -45_000 } = other;
  await store.db
    .insertInto("machines")
    .values({
      ...{ id: "other".padEnd(26, "0"), runner: "r", name: "other", boot_id: "b", pid: 1 },
      ...{ process_started: "", version: "1", level: "0013-fleet", started_at: nowMs - 3_600_000 },
      ...{ lease_until: nowMs + leaseMs, looked_at: nowMs + lookedMs, clock_off_ms: 0 },
      lost_at: lostMs === null ? null : nowMs + lostMs,
      ended_at: endedMs === null ? null : nowMs + endedMs,
    })
    .execute();
  return { target, pings: pings.received };
}
