// @module-tag processes
// @module-tag slow
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { readAges } from "../../../src/ops/retention/ages.ts";
import { jobsSweep } from "../../../src/ops/retention/jobs.ts";
import { claim } from "../../../src/queue/claim.ts";
import { complete } from "../../../src/queue/complete.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import { guard } from "../../../src/rails/guard.ts";
import { GATE } from "../../../src/store/postgres/gate.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import { newJob } from "../../queue/new-job.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshState, postgresStore } from "../../support/postgres/state.ts";
import { guardedCall } from "../../support/rails.ts";
import { type RailsOn, railsOn } from "../../support/rails-on.ts";
import { tempDir } from "../../support/temp.ts";
import { count } from "./sections-on.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

const WORK_MS = 4_000;
const CLIENTS = 4;
const OLD_JOBS = 30;
const NOW_MS = Date.parse("2026-11-21T10:00:00Z");
/** The server ends ours after 10 s. */
const ENDED_MS = 10_000;

describe.skipIf(problem !== null)(`a transaction that somebody leaves open${skipped}`, () => {
  test("stops neither the calls beside it nor what retention removes", async () => {
    const { target, rails } = await withOldJobs();
    await leftOpen(target, "select count(*) from ledger, jobs, budget_windows, gate");
    const done = await work(rails);
    expect(done.refused).toBe(0);
    expect(done.calls).toBeGreaterThan(10);
    expect(done.removed).toBe(OLD_JOBS);
    expect(await rails.store.db.selectFrom("jobs").select("id").execute()).toEqual([]);
  });

  test("would be seen to stop both, if it held what they wait for", async () => {
    const { target, rails } = await withOldJobs();
    const end = await leftOpen(target, "select * from gate for update");
    const working = work(rails);
    await sleep(WORK_MS);
    const [before] = await rails.store.db.selectFrom("ledger").select("id").execute();
    expect(before).toBeUndefined();
    await end();
    await working;
  });

  test("of a machine that stands still behind the gate is ended by the server, and the others go on", async () => {
    expect(await waitFor(ENDED_MS + 10_000, (text) => text)).toBe(true);
  });

  test("of such a machine would keep the gate if afk did not ask the server to end it", async () => {
    const unlimited = (text: string) =>
      text.replace(/set local idle_in_transaction_session_timeout to \d+/, "select 1");
    expect(await waitFor(ENDED_MS + 5_000, unlimited)).toBe(false);
  });
});

/** Whether a section comes through in this time while a session has passed the gate and does nothing more. */
async function waitFor(ms: number, plant: (text: string) => string): Promise<boolean> {
  const target = await freshState();
  const store = await postgresStore(target);
  const still = await Session.open(target);
  const query = still.client.query.bind(still.client) as (text: string) => unknown;
  still.client.query = ((text: string) => query(plant(text))) as Client["query"];
  await still.begin("isolation level read committed", ...GATE);
  let isThrough = false;
  const section = store
    .atomically((trx) => count(trx))
    .then(() => {
      isThrough = true;
    });
  const end = performance.now() + ms;
  while (!isThrough && performance.now() < end) await sleep(50);
  const wasThrough = isThrough;
  still.destroy();
  await section;
  return wasThrough;
}

/** What a person's tool leaves behind: it has read, and has a snapshot of that moment. Gives what ends it. */
async function leftOpen({ url, schema }: DatabaseTarget, statement: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  let isEnded = false;
  const end = async () => {
    if (!isEnded) await client.end();
    isEnded = true;
  };
  onTestFinished(end);
  await client.query(`set search_path to ${schema}; set idle_in_transaction_session_timeout to 0`);
  await client.query(`begin isolation level repeatable read; ${statement}`);
  return end;
}

async function withOldJobs() {
  const target = await freshState();
  const store = await postgresStore(target);
  await store.atomically(async (trx) => {
    for (let number = 0; number < OLD_JOBS; number++) {
      await enqueue(trx, newJob(`old-${number}`, { byHand: true }), 1_000);
      await complete(trx, (await claim(trx, "one", 1_000))!, 1, 1_000);
    }
  });
  const rails = railsOn(store, tempDir(), { budget: { day_micros: 1_000_000_000 } });
  return { target, rails };
}

/** Clients that call and retention that removes, for some seconds. */
async function work(rails: RailsOn): Promise<{ calls: number; refused: number; removed: number }> {
  const end = performance.now() + WORK_MS;
  const done = { calls: 0, refused: 0, removed: 0 };
  const client = async () => {
    while (performance.now() < end) {
      await guard(rails, guardedCall(rails)).then(
        () => {
          done.calls += 1;
        },
        () => {
          done.refused += 1;
        },
      );
    }
  };
  const retention = async () => {
    const config = { timezone: "UTC", jobs: [] } as unknown as Config;
    while (performance.now() < end) {
      const { removed } = await rails.store.atomically(async (trx) => {
        const ages = await readAges(trx, config, fakeClock(NOW_MS));
        return await jobsSweep.step(trx, { ...ages, calledJobs: new Set() }, "");
      });
      done.removed += removed;
      await sleep(20);
    }
  };
  await Promise.all([...Array.from({ length: CLIENTS }, client), retention()]);
  return done;
}
