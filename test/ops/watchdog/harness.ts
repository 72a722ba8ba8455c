import { rmSync } from "node:fs";
import { join } from "node:path";
import { jobKinds } from "../../../src/jobs/registry.ts";
import { runWatchdog, type WatchdogReport } from "../../../src/ops/watchdog/watchdog.ts";
import type { TicksTable } from "../../../src/store/schema/evidence.ts";
import type { Db } from "../../../src/store/schema.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import { receiver } from "../../alerts/receiver.ts";
import { type Deployment, deployment } from "../../support/afk.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** What the configuration below says. */
export const GRACE = 30 * MINUTE;

export interface WatchdogHarness {
  target: Deployment;
  clock: FakeClock;
  /** Titles of what arrived at the receiver, in their order. */
  told(): string[];
  look(): Promise<WatchdogReport>;
  /** Records a tick that is over at once, now, unless told otherwise. */
  tick(fields?: Partial<TicksTable>): Promise<void>;
  /** Ticks every five minutes, the last of them now. */
  ticks(count: number, fields?: Partial<TicksTable>): Promise<void>;
  withDb<T>(work: (db: Db) => Promise<T>): Promise<T>;
  loseState(): void;
}

export async function watchdogHarness(rest: Record<string, unknown> = {}): Promise<WatchdogHarness> {
  const hooks = await receiver();
  const target = deployment({
    agent: "watched",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    heartbeat: { grace: "30m" },
    alerts: [{ type: "webhook", url: `${hooks.url}/hook` }],
    jobs: [{ name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] }],
    ...rest,
  });
  const clock = fakeClock();
  let count = 0;
  const withDb = async <T>(work: (db: Db) => Promise<T>) => {
    const store = await openStore(join(target.state, "afk.db"));
    try {
      return await work(store.db);
    } finally {
      await store.close();
    }
  };
  const tick = async (fields: Partial<TicksTable> = {}) => {
    count += 1;
    const row: TicksTable = {
      id: `tick-${String(count).padStart(4, "0")}`,
      started_at: clock.nowMs(),
      finished_at: clock.nowMs(),
      outcome: "idle",
      reason: null,
      units: 0,
      cost_micros: 0,
      by_hand: 0,
      next_due_at: null,
      version: "1.2.3",
      machine: null,
      ...fields,
    };
    await withDb((db) => db.insertInto("ticks").values(row).execute());
  };
  return {
    target,
    clock,
    told: () => hooks.received.map(({ body }) => String((JSON.parse(body) as { title: string }).title)),
    look: () =>
      runWatchdog({
        config: target.configFile,
        state: target.state,
        environment: {},
        kinds: () => jobKinds,
        clock,
      }),
    tick,
    async ticks(times, fields) {
      for (let n = 0; n < times; n++) {
        if (n > 0) clock.advance(5 * MINUTE);
        await tick(fields);
      }
    },
    withDb,
    loseState: () => rmSync(target.state, { recursive: true, force: true }),
  };
}
