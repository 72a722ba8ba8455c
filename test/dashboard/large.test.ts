import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { MINUTE_MS } from "../../src/lib/durations.ts";
import { type TestSite, testSite } from "./site.ts";

const LEDGER_ENTRIES = 100_000;
const JOBS = 10_000;
/** A tick a minute for a month. */
const TICKS = 43_200;
/** What the page may take with all this; on a quiet machine it takes a tenth of it. */
const MS_MAX = 300;

function fill(site: TestSite): void {
  const database = new Database(site.config.paths.database);
  const now = site.clock.nowMs();
  database.transaction(() => {
    const series = (count: number) =>
      `with recursive n(i) as (select 0 union all select i + 1 from n where i < ${count - 1})`;
    database.exec(`${series(LEDGER_ENTRIES)} insert into ledger
      (id, state, model, created_at, deadline_at, finished_at, estimate_micros, estimate_tokens, cost_micros, cost_tokens, minute, day, week, month, job, tick, step, request_hash, degraded)
      select printf('l%08d', i), 'settled', 'openai/x', ${now} - i * 26000, ${now} - i * 26000, ${now} - i * 26000, 100, 0, 50, 0,
        strftime('%Y-%m-%dT%H:%M', (${now} / 1000) - i * 26, 'unixepoch'), date((${now} / 1000) - i * 26, 'unixepoch'), '2026-W47', '2026-11',
        printf('digest@%08d', i / 10), printf('t%08d', i / 3), 'item', hex(i), 0 from n;
      insert into budget_windows ("window", period, cap_micros, settled_micros) select 'hour', minute, null, sum(cost_micros) from ledger group by minute;
      insert into budget_windows ("window", period, cap_micros, settled_micros) select 'day', day, 1000000, sum(cost_micros) from ledger group by day;
      insert into budget_windows ("window", period, cap_micros, settled_micros) select 'tick', tick, null, sum(cost_micros) from ledger group by tick;
      insert into budget_windows ("window", period, cap_micros, settled_micros) select 'job', job, null, sum(cost_micros) from ledger group by job;
      ${series(JOBS)} insert into jobs
      (id, key, name, kind, payload, state, attempts, max_attempts, run_at, token, units, by_hand, slot_at, label, created_at, updated_at, error)
      select printf('j%08d', i), printf('digest@2026-%08d', i), 'digest', 'digest', 'null',
        case when i % 10 = 0 then 'dead' when i % 97 = 0 then 'ready' else 'done' end, 1, 5, i, 1, 1, 0, i, 'x', i, i, null from n;
      insert into dead_letters (job_id, key, name, kind, payload, error, attempts, trace, died_at, cause)
        select id, key, name, kind, hex(zeroblob(2000)), hex(zeroblob(500)), 5, '{}', created_at, key from jobs where state = 'dead';
      insert into steps select id, 'fetch:' || column1, json_object('items', json_array(1, 2), 'notes', json_array(), 'label', 'l', 'error', null), 1
        from jobs, (values (0), (1), (2)) where jobs.id > 'j00009000';
      insert into outputs (name, job_id, content, state, created_at, published_at) select 'digest-' || substr(key, 8) || '.md', id, hex(zeroblob(2000)), 'published', created_at, created_at from jobs where state = 'done';
      ${series(TICKS)} insert into ticks (id, started_at, finished_at, outcome, units, cost_micros, by_hand, next_due_at, version)
      select printf('t%08d', ${TICKS} - i), ${now} - i * ${MINUTE_MS}, ${now} - i * ${MINUTE_MS} + 200, case when i % 240 = 0 then 'ok' else 'idle' end,
        1, 100, 0, ${now} + ${MINUTE_MS}, '1' from n;
      ${series(2_000)} insert into alerts (id, key, event, severity, payload, created_at) select printf('a%08d', i), 'k' || i, 'cap_hit', 'warn', '{"title":"t","message":"m"}', i from n;
      insert into alert_deliveries select id, 'ntfy:1', 'sent', 1, 1, null, 1 from alerts;`);
  })();
  database.close();
}

/** Milliseconds of the best of several looks, each of them new. */
async function best(site: TestSite, path: string): Promise<number> {
  const times: number[] = [];
  for (let look = 0; look < 8; look++) {
    site.clock.advance(2_000);
    const started = performance.now();
    expect((await site.ask(path)).status).toBe(200);
    times.push(performance.now() - started);
  }
  return Math.min(...times);
}

test("a large history costs the page next to nothing", async ({ annotate }) => {
  const small = await testSite({ isEmpty: true });
  const large = await testSite({ isEmpty: true });
  fill(large);
  const started = performance.now();
  await large.ask("/");
  const first = performance.now() - started;
  const [smallMs, largeMs, metricsMs] = [
    await best(small, "/"),
    await best(large, "/"),
    await best(large, "/metrics"),
  ];
  await annotate(
    `page ${largeMs.toFixed(1)} ms with ${LEDGER_ENTRIES} ledger entries, ${smallMs.toFixed(1)} ms with none; first ${first.toFixed(0)} ms; metrics ${metricsMs.toFixed(1)} ms`,
  );
  expect(largeMs).toBeLessThan(MS_MAX);
  expect(metricsMs).toBeLessThan(MS_MAX);
  expect(first).toBeLessThan(10 * MS_MAX);
});
