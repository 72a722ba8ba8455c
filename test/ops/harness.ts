import type { Config } from "../../src/config/config.ts";
import { readStatus, type Status } from "../../src/ops/status.ts";
import type { TicksTable } from "../../src/store/schema/evidence.ts";
import { load, withBase } from "../config/support.ts";
import { testRails } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

export interface OpsHarness {
  config: Config;
  rails: RailsOn & { path: string };
  status(): Promise<Status>;
  /** Records a tick; one that went well and was over at once, unless told otherwise. */
  tick(fields?: Partial<TicksTable>): Promise<void>;
  /** Adds a job in this state; gives its id. */
  job(key: string, state: "ready" | "running" | "done" | "dead"): Promise<string>;
}

/** A configuration, with sections put over a plain one, and rails on its state directory. */
export async function opsHarness(over: Record<string, unknown> = {}): Promise<OpsHarness> {
  const config = load(withBase(over));
  const rails = await testRails({
    dir: config.paths.state,
    stopFile: config.paths.stopFile,
    budget: config.budget,
    timezone: config.timezone,
  });
  const { db } = rails.store;
  let count = 0;
  return {
    config,
    rails,
    status: () => readStatus({ config, version: "1.2.3", db, clock: rails.clock }),
    async tick(fields = {}) {
      count += 1;
      const row: TicksTable = {
        id: `tick-${count}`,
        started_at: rails.clock.nowMs(),
        finished_at: rails.clock.nowMs(),
        outcome: "ok",
        reason: null,
        units: 0,
        cost_micros: 0,
        by_hand: 0,
        next_due_at: null,
        version: "1.2.3",
        machine: null,
        ...fields,
      };
      await db.insertInto("ticks").values(row).execute();
    },
    async job(key, state) {
      count += 1;
      const now = rails.clock.nowMs();
      await db
        .insertInto("jobs")
        .values({
          id: `job-${count}`,
          key,
          name: "digest",
          kind: "digest",
          payload: "null",
          state,
          attempts: state === "ready" ? 0 : 1,
          max_attempts: 5,
          run_at: now,
          lease_until: state === "running" ? now + 30_000 : null,
          token: state === "ready" ? 0 : 1,
          runner: state === "running" ? "runner-1" : null,
          error: null,
          units: 0,
          by_hand: 0,
          slot_at: now,
          label: "2026-11-21",
          created_at: now,
          updated_at: now,
        })
        .execute();
      return `job-${count}`;
    },
  };
}
