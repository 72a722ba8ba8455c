// @module-tag processes
// @module-tag slow
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { readAges } from "../../src/ops/retention/ages.ts";
import { jobsSweep } from "../../src/ops/retention/jobs.ts";
import { claim, nextRunAt } from "../../src/queue/claim.ts";
import { complete } from "../../src/queue/complete.ts";
import { enqueue } from "../../src/queue/enqueue.ts";
import type { JobRow } from "../../src/queue/job.ts";
import type { Trx } from "../../src/store/schema.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { fleetOfStores } from "../support/postgres/stores.ts";
import { newJob } from "./new-job.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const LIMIT_MS = 120_000;

type Claim = typeof claim;
/** How a claim is made where there is nothing else to be written. */
type Claims = (store: Store, work: (trx: Trx) => ReturnType<Claim>) => ReturnType<Claim>;
const inSection: Claims = (store, work) => store.atomically(work);

describe.skipIf(problem !== null)(`the queue of a fleet${skipped}`, { timeout: LIMIT_MS }, () => {
  test("gives each job to one machine, once, and no two of a name at a time", async () => {
    const { stores } = await fleetOfStores(4);
    await add(stores, 120, 5);
    const { done, beside, errors } = await drain(stores, claim);
    expect(errors).toEqual([]);
    expect(beside).toBe(0);
    expect(done.toSorted()).toEqual(keysUpTo(120).toSorted());
    const rows = await stores[0]!.db.selectFrom("jobs").select(["state", "attempts", "token"]).execute();
    expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(
      new Set(['{"state":"done","attempts":1,"token":1}']),
    );
  });

  test.each<[string, Claim, Claims]>([
    ["a claim that does not look whether another of its name runs", claimWithoutLook, inSection],
    ["claims beside each other, in no section", claim, (store, work) => work(store.db as Trx)],
  ])("would fail at the end of a run, or at a claim, by %s", async (_what, wrong, how) => {
    const { stores } = await fleetOfStores(4);
    await add(stores, 120, 5);
    expect((await drain(stores, wrong, how)).errors).toContain("23505");
  });

  test("waits for the run of its name on another machine, and is due when that is over", async () => {
    const { stores } = await fleetOfStores(2);
    const [one, two] = stores as [Store, Store];
    await add(stores, 2, 1);
    const first = await one.atomically((trx) => claim(trx, "one", 1_000));
    expect(await two.atomically((trx) => claim(trx, "two", 1_000))).toBeUndefined();
    expect(await nextRunAt(two.db)).toBeUndefined();
    await one.atomically((trx) => complete(trx, first!, 1, 1_000));
    expect(await nextRunAt(two.db)).toBe(1_000);
    const second = await two.atomically((trx) => claim(trx, "two", 1_000));
    // Of two that are due at the same moment either may be the first.
    expect([first?.key, second?.key].sort()).toEqual(["job-0", "job-1"]);
  });

  test("passes over a job that somebody else is changing, and does not wait for it", async () => {
    const { stores } = await fleetOfStores(2);
    const [one, two] = stores as [Store, Store];
    await add(stores, 2, 2);
    const changing = async (work: () => Promise<void>) =>
      await two.db.transaction().execute(async (trx) => {
        await sql`select 1 from jobs where key = 'job-0' for update`.execute(trx);
        await work();
      });
    await changing(async () => {
      expect((await one.atomically((trx) => claim(trx, "one", 1_000)))?.key).toBe("job-1");
    });
    // And without that it would have waited.
    let isOver = false;
    let waited: Promise<boolean> | undefined;
    await changing(async () => {
      waited = one.atomically((trx) => claimWithoutLook(trx, "one", 1_000)).then(() => isOver);
      await new Promise((resolve) => setTimeout(resolve, 300));
      isOver = true;
    });
    expect(await waited).toBe(true);
  });

  test.each<[string, boolean, (store: Store) => Promise<boolean>]>([
    [
      "is not added again while retention commits its removal",
      false,
      (store) => store.atomically((trx) => enqueue(trx, newJob("old", { byHand: true }), NOW_MS)),
    ],
    [
      "would be, were it not added in a section",
      true,
      (store) => enqueue(store.db as Trx, newJob("old", { byHand: true }), NOW_MS),
    ],
  ])("a known job %s", async (_what, isAdded, adding) => {
    const { stores } = await fleetOfStores(2);
    const [one, two] = stores as [Store, Store];
    await one.atomically((trx) => enqueue(trx, newJob("old", { byHand: true }), 1_000));
    await one.atomically(async (trx) => complete(trx, (await claim(trx, "one", 1_000))!, 1, 1_000));
    let added: Promise<boolean> | undefined;
    await one.atomically(async (trx) => {
      const config = { timezone: "UTC", jobs: [] } as unknown as Config;
      const ages = await readAges(trx, config, fakeClock(NOW_MS));
      expect((await jobsSweep.step(trx, { ...ages, calledJobs: new Set() }, "")).removed).toBe(1);
      added = adding(two);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    expect(await added).toBe(isAdded);
    expect(await one.db.selectFrom("jobs").select("key").execute()).toHaveLength(isAdded ? 1 : 0);
  });
});

const NOW_MS = Date.parse("2026-11-21T10:00:00Z");

function keysUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `job-${number}`);
}

async function add([store]: Store[], count: number, names: number): Promise<void> {
  await store!.atomically(async (trx) => {
    for (const [number, key] of keysUpTo(count).entries())
      await enqueue(trx, newJob(key, { name: `name-${number % names}` }), 1_000);
  });
}

/** Two lanes on each machine, which claim the next job with the end of each, as a tick does. */
async function drain(stores: Store[], claim: Claim, claims: Claims = inSection) {
  const done: string[] = [];
  const errors: string[] = [];
  const running = new Set<string>();
  let beside = 0;
  const lane = async (store: Store, runner: string) => {
    let job: JobRow | undefined;
    while (errors.length === 0) {
      job ??= await claims(store, (trx) => claim(trx, runner, 1_000));
      if (job === undefined) {
        if (
          (await store.db.selectFrom("jobs").select("id").where("state", "!=", "done").execute()).length === 0
        )
          return;
        continue;
      }
      const { key, name } = job;
      if (running.has(name)) beside += 1;
      running.add(name);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      running.delete(name);
      const ended = job;
      job = await store.atomically(async (trx) => {
        await complete(trx, ended, 1, 1_000);
        return claims === inSection ? await claim(trx, runner, 1_000) : undefined;
      });
      done.push(key);
    }
  };
  const lanes = stores.flatMap((store, machine) => [0, 1].map((each) => lane(store, `${machine}-${each}`)));
  await Promise.all(lanes.map((each) => each.catch((error) => errors.push(String(error.code)))));
  return { done, beside, errors };
}

/** What a claim was before there were fleets. */
const claimWithoutLook: Claim = async (trx, runner, nowMs) => {
  const { rows } =
    await sql<JobRow>`update jobs set state = 'running', attempts = attempts + 1, token = token + 1,
    lease_until = ${nowMs}, runner = ${runner} where state = 'ready' and id = (select id from jobs
    where state = 'ready' and run_at <= ${nowMs} order by run_at, id limit 1) returning *`.execute(trx);
  return rows[0];
};
