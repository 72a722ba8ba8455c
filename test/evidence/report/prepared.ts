import type { Config } from "../../../src/config/config.ts";
import { dayIn } from "../../../src/lib/days.ts";
import { newId } from "../../../src/lib/ids.ts";
import type { LedgerTable } from "../../../src/store/schema/rails.ts";
import type { Db } from "../../../src/store/schema.ts";
import { type OpsHarness, opsHarness } from "../../ops/harness.ts";

/** A Saturday at noon in Berlin, in week 47. */
export const NOW = Date.parse("2026-11-21T11:00:00Z");

export interface Prepared {
  config: Config;
  db: Db;
  harness: OpsHarness;
  /** A call of the model; settled for nothing unless told otherwise. */
  call(at: string, fields?: Partial<LedgerTable>): Promise<void>;
  /** A job that was done, with its units. */
  done(name: string, at: string, units: number): Promise<string>;
  tick(at: string, outcome: "ok" | "idle" | "halted" | "failed"): Promise<void>;
  incident(fields: { at: string; title: string; recoveredAfterMs?: number; cause?: string }): Promise<void>;
}

/** A state without history, and means to give it one. `at` is an instant (ISO 8601). */
export async function prepared(over: Record<string, unknown> = {}): Promise<Prepared> {
  const harness = await opsHarness({
    timezone: "Europe/Berlin",
    value: { minutes_saved_per_unit: 10, hourly_rate_usd: 60 },
    jobs: [
      { name: "digest", kind: "plain", command: [] },
      { name: "triage", kind: "plain", command: [], minutes_saved_per_unit: 3 },
    ],
    ...over,
  });
  const { config, rails } = harness;
  const { db } = rails.store;
  rails.clock.jump(NOW - rails.clock.nowMs());
  let count = 0;
  return {
    config,
    db,
    harness,
    async call(at, fields = {}) {
      const createdAt = Date.parse(at);
      const isSettled = (fields.state ?? "settled") === "settled";
      const day = dayIn(createdAt, config.timezone);
      const row: LedgerTable = {
        id: newId(createdAt),
        state: "settled",
        model: "ollama/qwen2.5:3b",
        created_at: createdAt,
        deadline_at: createdAt + 1_000,
        finished_at: createdAt,
        estimate_micros: 0,
        estimate_tokens: 2_000,
        cost_micros: isSettled ? 0 : null,
        cost_tokens: isSettled ? 1_100 : null,
        input_tokens: isSettled ? 1_000 : null,
        output_tokens: isSettled ? 100 : null,
        minute: `${day}T10:00`,
        day,
        week: "2026-W47",
        month: day.slice(0, 7),
        job: null,
        tick: null,
        job_name: fields.job?.split(":")[0] ?? null,
        client: null,
        step: null,
        session: null,
        runner: null,
        request_hash: null,
        degraded: 0,
        error: null,
        ...fields,
      };
      await db.insertInto("ledger").values(row).execute();
    },
    async done(name, at, units) {
      count += 1;
      const key = `${name}:${count}`;
      const id = await harness.job(key, "done");
      const doneAt = Date.parse(at);
      await db.updateTable("jobs").set({ name, units, updated_at: doneAt }).where("id", "=", id).execute();
      return key;
    },
    async tick(at, outcome) {
      const startedAt = Date.parse(at);
      await harness.tick({ started_at: startedAt, finished_at: startedAt + 1_000, outcome });
    },
    async incident({ at, title, recoveredAfterMs, cause }) {
      const openedAt = Date.parse(at);
      await db
        .insertInto("incidents")
        .values({
          id: newId(openedAt),
          event: "job_dead",
          subject: title,
          title,
          opened_at: openedAt,
          last_at: openedAt,
          count: 2,
          recovered_at: recoveredAfterMs === undefined ? null : openedAt + recoveredAfterMs,
          tick: null,
          job: null,
          config_hash: null,
          closed_at: cause === undefined ? null : openedAt + 1,
          cause: cause ?? null,
          fix: cause === undefined ? null : "mended",
          prevention: cause === undefined ? null : "a test",
          fixed_by: null,
        })
        .execute();
    },
  };
}
