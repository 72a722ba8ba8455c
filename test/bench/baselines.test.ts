import type Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openBenchAgent } from "../../bench/harness/agent.ts";
import { callNames, guardedCalls } from "../../bench/harness/calls.ts";
import { steppedClock } from "../../bench/harness/clock.ts";
import type { Side } from "../../bench/harness/compare.ts";
import { fillJobs, fillLedger } from "../../bench/harness/fill.ts";
import { liteque, plainjob } from "../../bench/harness/other-queues.ts";
import { benchStore, rawDatabase } from "../../bench/harness/raw.ts";
import { rawGuard } from "../../bench/harness/raw-guard.ts";
import { rawQueue } from "../../bench/harness/raw-queue.ts";
import { countersAgree } from "../../src/ops/counters.ts";
import { claim } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import type { Db } from "../../src/store/schema.ts";
import { testTools } from "./tools.ts";

/* A baseline that does less than it says would flatter afk, and one that does more would slander it. */

const rowsOf = (database: Database.Database, sql: string) => database.prepare(sql).all();

const LEDGER = `select state, model, deadline_at - created_at as deadline, finished_at is null as open, estimate_micros,
  estimate_tokens, cost_micros, cost_tokens, input_tokens, output_tokens, minute, day, week, month, job, tick, step, runner, request_hash, degraded, error
  from ledger order by rowid`;
const WINDOWS = `select "window", scope, period, settled_micros, reserved_micros, overrun_micros, settled_tokens,
  reserved_tokens, settled_calls, reserved_calls from budget_windows
  order by "window", period`;

test("the guarded call by hand writes the rows that a guarded call writes", async () => {
  const tools = testTools();
  const clock = steppedClock();
  const startMs = clock.nowMs();
  const agent = await openBenchAgent(tools, { clock });
  const guarded = guardedCalls(agent, clock);
  const raw = await rawDatabase(tools);
  const byHand = rawGuard(raw);
  const names = callNames();
  for (let count = 1; count <= 35; count++) {
    await guarded();
    byHand({ atMs: startMs + count * 2_000, ...names() });
  }
  const { db } = agent.rails.store;
  for (const sql of [LEDGER, WINDOWS, "select id, latest_at from budget_clock"]) {
    expect(rowsOf(raw, sql)).toEqual(await rowsIn(db, sql));
  }
});

test("the queue by hand leaves jobs as the queue does", async () => {
  const tools = testTools();
  const fill = (database: Database.Database) => fillJobs(database, { count: 3, state: "ready" });
  const store = await benchStore(tools, fill);
  const raw = await rawDatabase(tools, fill);
  const byHand = rawQueue(raw);
  for (let count = 0; count < 3; count++) {
    const job = await store.atomically((trx) => claim(trx, "runner", Date.now()));
    expect(job).toBeDefined();
    await store.atomically((trx) => complete(trx, job!, 1, Date.now()));
    byHand();
  }
  const jobs =
    "select id, key, state, attempts, token, runner, lease_until, units, error from jobs order by id";
  expect(rowsOf(raw, jobs)).toEqual(await rowsIn(store.db, jobs));
  expect(byHand).toThrow("the queue ran empty");
});

test("both databases run at FULL, and with the same pragmas", async () => {
  const tools = testTools();
  const raw = await rawDatabase(tools);
  const store = await benchStore(tools);
  for (const pragma of ["synchronous", "journal_mode", "foreign_keys", "fullfsync", "wal_autocheckpoint"]) {
    expect(rowsOf(raw, `pragma ${pragma}`)).toEqual(await rowsIn(store.db, `pragma ${pragma}`));
  }
  expect(raw.pragma("synchronous", { simple: true })).toBe(2);
});

test("a ledger filled in bulk agrees with its counters, and keeps its indexes", async () => {
  const tools = testTools();
  const indexes = "select name from sqlite_master where type = 'index' order by name";
  const before = rowsOf(await rawDatabase(tools), indexes);
  const store = await benchStore(tools, (database) => fillLedger(database, 500));
  expect(await rowsIn(store.db, "select count(*) as n from ledger")).toEqual([{ n: 500 }]);
  expect(await rowsIn(store.db, indexes)).toEqual(before);
  expect(await countersAgree(store.db)).toEqual([]);
});

test.each<[string, (synchronous: "NORMAL" | "FULL") => Side | Promise<Side>]>([
  ["plainjob", (synchronous) => plainjob(testTools(), { jobs: 2, synchronous })],
  ["liteque", (synchronous) => liteque(testTools(), { jobs: 2, synchronous })],
])("%s takes a job and ends it, until there is none", async (name, make) => {
  const { operation } = await make("FULL");
  await operation();
  await operation();
  await expect((async () => await operation())()).rejects.toThrow(`${name} ran empty`);
});

async function rowsIn(db: Db, sql: string): Promise<unknown[]> {
  return (await db.executeQuery({ ...db.selectNoFrom([]).compile(), sql, parameters: [] })).rows;
}
