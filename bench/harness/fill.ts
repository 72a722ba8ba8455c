import type Database from "better-sqlite3";
import { WINDOWS } from "../../src/lib/windows.ts";

/** Jobs in bulk, due since long, as `enqueue` writes them. */
export function fillJobs(
  database: Database.Database,
  { count, state, name = "bench" }: { count: number; state: "ready" | "done"; name?: string },
): void {
  database
    .prepare(
      `insert into jobs (id, key, name, kind, payload, state, attempts, max_attempts, run_at, lease_until, token, runner,
         error, units, by_hand, slot_at, label, created_at, updated_at)
       with recursive n(i) as (select 0 union all select i + 1 from n where i < @last)
       select '${name}' || printf('%018d', i), printf('${name}@%08d', i), '${name}', '${name}', 'null', @state,
         iif(@state = 'done', 1, 0), 5, @at + i, null, iif(@state = 'done', 1, 0), null, null, iif(@state = 'done', 1, 0),
         0, @at + i, printf('%08d', i), @at + i, @at + i
       from n`,
    )
    .run({ last: count - 1, state, at: Date.UTC(2026, 0, 1) });
}

/**
 * Settled calls of ten years in bulk, as many as the counters of the same years say: 30 a job, one tick a job, each
 * with a request of its own. Rows go in before their indexes do, since sorting once is cheaper than finding each place.
 */
export function fillLedger(database: Database.Database, count: number): void {
  const endMs = Date.UTC(2026, 10, 20);
  const everyMs = Math.floor((10 * 365 * 86_400_000) / count);
  withoutIndexes(database, "ledger", () => {
    database
      .prepare(
        `insert into ledger (id, state, model, created_at, deadline_at, finished_at, estimate_micros, estimate_tokens,
           cost_micros, cost_tokens, input_tokens, output_tokens, minute, day, week, month, job, tick, step, runner, request_hash, degraded, error)
         with recursive n(i) as (select 0 union all select i + 1 from n where i < @last),
         at(i, ms) as (select i, @endMs - (@last - i) * @everyMs from n)
         select printf('00000%021d', i), 'settled', 'openai/bench', ms, ms + 360000, ms + 1000, 1000, 100, 400, 10, 7, 3,
           strftime('%Y-%m-%dT%H:%M', ms / 1000, 'unixepoch'), strftime('%Y-%m-%d', ms / 1000, 'unixepoch'),
           strftime('%G-W%V', ms / 1000, 'unixepoch'),
           strftime('%Y-%m', ms / 1000, 'unixepoch'), printf('old-job-%d', i / 30), printf('old-tick-%d', i / 30),
           printf('item-%d', i), 'runner', printf('%s%08d', hex(randomblob(28)), i), 0, null
         from at`,
      )
      .run({ last: count - 1, endMs, everyMs });
  });
  for (const { name: window, column } of WINDOWS) {
    database.exec(`insert into budget_windows ("window", period, settled_micros, settled_tokens, settled_calls)
      select '${window}', ${column}, sum(cost_micros), sum(cost_tokens), count(*) from ledger group by ${column}`);
  }
}

/** For a database that is made for a measurement and nobody else has open: what a power cut would leave is of no matter. */
export function inBulk(database: Database.Database, work: () => void): void {
  database.pragma("synchronous = OFF");
  // Rows in bulk would all go through the log first, and then a second time into the file.
  database.pragma("journal_mode = MEMORY");
  database.pragma("cache_size = -1000000");
  database.transaction(work)();
  database.pragma("journal_mode = WAL");
}

function withoutIndexes(database: Database.Database, table: string, work: () => void): void {
  const indexes = database
    .prepare("select name, sql from sqlite_master where type = 'index' and tbl_name = ? and sql is not null")
    .all(table) as { name: string; sql: string }[];
  for (const { name } of indexes) database.exec(`drop index "${name}"`);
  work();
  for (const { sql } of indexes) database.exec(sql);
}
