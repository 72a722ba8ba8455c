// @module-tag processes
// @module-tag slow
import { sql } from "kysely";
import { types } from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { takeOverChannels } from "../../../src/alerts/recipients.ts";
import { listLedger } from "../../../src/ops/ledger.ts";
import { claim } from "../../../src/queue/claim.ts";
import { enqueue } from "../../../src/queue/enqueue.ts";
import { pendingNames, saveOutputs } from "../../../src/queue/publish.ts";
import { saveStep } from "../../../src/queue/steps.ts";
import { readMeta, writeMeta } from "../../../src/store/meta.ts";
import type { TYPES } from "../../../src/store/postgres/values.ts";
import type { Store } from "../../../src/store/store.ts";
import { sampleChannel } from "../../alerts/payload.ts";
import { newJob } from "../../queue/new-job.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { freshState } from "../../support/postgres/state.ts";
import { spend } from "../../support/rails.ts";
import { railsOn } from "../../support/rails-on.ts";
import { testStore } from "../../support/store.ts";
import { tempDir } from "../../support/temp.ts";
import { connectMirror, type MirrorOptions, openMirror } from "./both.ts";

const problem = postgresProblem();

/** What loses each row that is added to a table. */
const losing = (table: string) =>
  `create function lost() returns trigger language plpgsql as 'begin return null; end';
   create trigger lost before insert on "${table}" for each row execute function lost()`;

async function alerting(store: Store): Promise<void> {
  const { outbox, log } = railsOn(store, tempDir());
  await takeOverChannels(store, [sampleChannel("webhook", "http://127.0.0.1:1/")], { nowMs: 1, log });
  const notice = { event: "cap_hit", title: "t", message: "m", subject: "", occurrence: "1" } as const;
  await store.atomically((trx) => outbox.announce(trx, notice));
}

interface Planted extends MirrorOptions {
  types?: typeof TYPES;
  /** What is done to PostgreSQL's tables before. */
  alter?: string;
}

/** What is found to differ when `work` runs on both. */
async function differencesOf(
  work: (store: Store) => Promise<unknown>,
  planted: Planted = {},
): Promise<string[]> {
  const client = await connectMirror(await freshState(), planted.types);
  onTestFinished(() => client.end());
  const mirror = await openMirror(client, planted);
  if (planted.alter !== undefined) await client.query(planted.alter);
  const store = await testStore();
  await work(mirror.over(store)).catch(() => undefined);
  await mirror.compareTables(store.db);
  await mirror.undo();
  return mirror.differences;
}

const KEYS = ["a", "B", "digest@1", "digest@hand:1", "-0", "fetch:page"];

const ordered = async (store: Store) => {
  await store.atomically(async (trx) => {
    for (const key of KEYS) await sql`insert into meta (key, value) values (${key}, 1)`.execute(trx);
  });
  await store.db.selectFrom("meta").selectAll().orderBy("key").execute();
};
const range = async (store: Store) => {
  await store.atomically(async (trx) => {
    for (const key of KEYS) await sql`insert into meta (key, value) values (${key}, 1)`.execute(trx);
  });
  await store.db
    .selectFrom("meta")
    .select("key")
    .where("key", ">=", "fetch:")
    .where("key", "<", "fetch;")
    .execute();
};
const added = async (store: Store) => {
  await store.atomically((trx) => writeMeta(trx, "ping_failed_at", 2));
  await store.atomically(async (trx) => {
    await writeMeta(trx, "ping_failed_at", (await readMeta(trx, "ping_failed_at")) + 3);
  });
};

describe.skipIf(problem !== null)("the comparison of the engines", () => {
  test("finds nothing where they are alike", async () => {
    for (const work of [ordered, range, added]) expect(await differencesOf(work)).toEqual([]);
  });

  test("finds a column that sorts as people of en-US do, by its order and by a range of keys", async () => {
    const alter = `alter table meta alter column key type text collate "default"`;
    expect(await differencesOf(ordered, { alter })).toHaveLength(1);
    expect(await differencesOf(range, { alter })).toHaveLength(1);
  });

  test("finds counts that come as texts, in what is read and in what is then written", async () => {
    const found = await differencesOf(added, { types: types as unknown as typeof TYPES });
    expect(found).toContainEqual(expect.stringContaining('"value":"2"'));
    expect(found).toContainEqual(expect.stringContaining("table meta"));
  });

  test.each([
    ["like", "upper and lower case", sql`select key from meta where key like 'b'`],
    ["max", "a function of two values", sql`select max(1, value) as value from meta`],
    ["division", "what does not divide", sql`select 7 / cast(2 as numeric) as half`],
    ["json", "a function of SQLite's", sql`select json_extract('{"a":1}', '$.a') as a`],
    ["subquery", "nothing of an upsert", sql`insert or ignore into meta (key, value) values ('a', 1)`],
  ])("finds %s that takes %s differently", async (_name, _what, query) => {
    const found = await differencesOf(async (store) => {
      await ordered(store);
      await query.execute(store.db);
    });
    expect(found).not.toEqual([]);
  });

  test("finds a constraint that only one of them has, and what is then in its tables", async () => {
    const broken = (store: Store) =>
      store.atomically((trx) =>
        trx.updateTable("gate").set({ generation: -1 }).where("id", "=", 1).execute(),
      );
    expect(await differencesOf(broken)).toEqual([]);
    const alter = "alter table gate drop constraint gate_generation_check";
    expect(await differencesOf(broken, { alter })).toEqual([
      expect.stringContaining("SQLite: check, PostgreSQL: no error"),
    ]);
  });

  test("finds a statement that was lost on its way, by its count and by the tables", async () => {
    const plant = (text: string) =>
      text.replace(/^insert into "meta".*/, "select $1::text, $2::bigint, $3::bigint where false");
    const found = await differencesOf(added, { plant });
    expect(found).toContainEqual(expect.stringContaining("SQLite changed 1, PostgreSQL 0"));
    expect(found).toContainEqual(expect.stringContaining("table meta"));
  });

  test.each<[string, (store: Store) => Promise<unknown>, Planted]>([
    [
      "of the queue: a claim that takes the newest first",
      async (store) => {
        await store.atomically((trx) => enqueue(trx, newJob("old", { name: "old" }), 1));
        await store.atomically((trx) => enqueue(trx, newJob("new", { name: "new" }), 2));
        await store.atomically((trx) => claim(trx, "runner", 3));
      },
      { plant: (text) => text.replace(/order by "run_at"/, "$& desc") },
    ],
    [
      "of the queue: steps that are not kept",
      async (store) => {
        await store.atomically((trx) => enqueue(trx, newJob("job"), 1));
        const job = await store.atomically((trx) => claim(trx, "runner", 1));
        await saveStep(store.db, job!, "fetch", "result", 2);
      },
      { alter: losing("steps") },
    ],
    [
      "of the rails: reservations that are not counted",
      (store) => spend(railsOn(store, tempDir()), 100),
      { alter: losing("budget_windows") },
    ],
    ["of alerts: one that nobody gets", alerting, { alter: losing("alert_deliveries") }],
    [
      "of operations: a ledger that begins with the oldest",
      async (store) => {
        const rails = railsOn(store, tempDir());
        await spend(rails, 100);
        await spend(rails, 200);
        await listLedger(store.db, { limit: 10 });
      },
      { plant: (text) => text.replace(/order by "id" desc/, 'order by "id"') },
    ],
    [
      "of operations: files of one moment in no order",
      async (store) => {
        await store.atomically((trx) => enqueue(trx, newJob("job"), 1));
        const { id } = await store.db.selectFrom("jobs").select("id").executeTakeFirstOrThrow();
        const files = ["a", "b", "c"].map((name) => ({ name, content: name }));
        await store.atomically((trx) => saveOutputs(trx, id, files, 2));
        await pendingNames(store.db);
      },
      {
        plant: (text) => text.replace('order by "created_at", "name"', 'order by "created_at", "name" desc'),
      },
    ],
  ])("finds a fault %s", async (_what, work, planted) => {
    expect(await differencesOf(work)).toEqual([]);
    expect(await differencesOf(work, planted)).not.toEqual([]);
  });

  test("gives rows without an order the other way round", async () => {
    const client = await connectMirror(await freshState());
    onTestFinished(() => client.end());
    const mirror = await openMirror(client);
    const store = mirror.over(await testStore());
    await ordered(store);
    const keys = async (query: { execute(): Promise<{ key: string }[]> }) =>
      (await query.execute()).map(({ key }) => key);
    const all = store.db.selectFrom("meta").select("key");
    expect(await keys(all.orderBy("key"))).toEqual([...KEYS].sort());
    expect(await keys(all)).toEqual(KEYS.toReversed());
    expect(mirror.differences).toEqual([]);
    await mirror.undo();
  });
});
