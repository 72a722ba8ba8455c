import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AlertPayload } from "../../../src/alerts/events.ts";
import { configHash } from "../../../src/config/hash.ts";
import { recordDrill } from "../../../src/evidence/drills.ts";
import { keepUnattended } from "../../../src/evidence/unattended/keep-days.ts";
import { writeRunLog } from "../../../src/evidence/unattended/run-log.ts";
import type { UnattendedSources } from "../../../src/evidence/unattended/unattended.ts";
import { newId } from "../../../src/lib/ids.ts";
import { readUnattended } from "../../../src/ops/unattended.ts";
import type { TicksTable } from "../../../src/store/schema/evidence.ts";
import type { JobsTable } from "../../../src/store/schema/queue.ts";
import { load, withBase } from "../../config/support.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { testRails } from "../../support/rails.ts";
import { tempDir } from "../../support/temp.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const VERSION = "1.2.3";

/** A clock on simulated days. It begins at `start`, an instant. */
export async function unattendedHarness(
  start = "2026-11-21T10:00:00Z",
  timezone = "UTC",
  agent = "by-itself",
) {
  const clock = fakeClock(Date.parse(start));
  const alerts: AlertPayload[] = [];
  const dir = tempDir();
  const rails = await testRails({ clock, dir, timezone, onAlert: (alert) => void alerts.push(alert) });
  const config = { ...load(withBase({ timezone, jobs: [] }), { state: dir }), agent };
  const { db } = rails.store;
  const { store, outbox, log } = rails;
  const sources: UnattendedSources = { config, version: VERSION, store, outbox, clock, log };
  let count = 0;
  const insertTick = (fields: Partial<TicksTable> = {}) => {
    count += 1;
    const at = clock.nowMs();
    const row = { id: `tick-${count}`, started_at: at, finished_at: at, outcome: "idle" as const, units: 0 };
    return db
      .insertInto("ticks")
      .values({ ...row, cost_micros: 0, by_hand: 0, version: VERSION, ...fields })
      .execute();
  };
  return {
    sources,
    clock,
    alerts,
    rails,
    config,
    told: () => alerts.map(({ event, period }) => `${event} ${period ?? ""}`.trim()),
    /** One tick at this moment, as the runner does it: the clock first. */
    async tick(fields: Partial<TicksTable> = {}) {
      await insertTick(fields);
      await keepUnattended(sources);
      await writeRunLog({ config, db });
    },
    async job(fields: Partial<JobsTable>) {
      const at = clock.nowMs();
      const id = newId(at);
      const row = { id, key: id, name: "digest", kind: "digest", payload: "null", state: "ready" as const };
      const times = { run_at: at, slot_at: at, created_at: at, updated_at: at };
      const rest = { attempts: 0, max_attempts: 5, token: 0, units: 0, by_hand: 0, label: "l" };
      await db
        .insertInto("jobs")
        .values({ ...row, ...times, ...rest, ...fields })
        .execute();
    },
    async pass(...names: string[]) {
      for (const name of names) await drill(name, 1);
    },
    fail: (name: string) => drill(name, 0),
    days: () => db.selectFrom("clock_days").selectAll().orderBy("day").execute(),
    counts: async () =>
      (await db.selectFrom("clock_days").select(["day", "count"]).orderBy("day").execute()).map(
        (row) => `${row.day} ${row.count}`,
      ),
    status: () => readUnattended(db),
    runLog: () => {
      const path = join(config.paths.runs, "run-log.md");
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },
  };

  async function drill(name: string, passed: number) {
    count += 1;
    await rails.store.atomically((trx) =>
      recordDrill(trx, {
        id: String(count).padStart(6, "0"),
        name,
        passed,
        version: VERSION,
        config_hash: configHash(config),
        host: "h",
        started_at: 1,
        finished_at: 2,
        figures: "{}",
        error: passed === 1 ? null : "no",
        file: "f",
      }),
    );
  }
}
