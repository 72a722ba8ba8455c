// @module-tag processes
// @module-tag slow
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { jobKinds } from "../../../src/jobs/registry.ts";
import { type Clock, systemClock } from "../../../src/lib/clock.ts";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import type { Finding } from "../../../src/ops/doctor/check.ts";
import { database, judgeVersion } from "../../../src/ops/doctor/database.ts";
import { judgeStandbys, type Replication } from "../../../src/ops/doctor/standbys.ts";
import { diagnoseState } from "../../../src/ops/doctor.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { openPostgresReader } from "../../../src/store/postgres/open-reader.ts";
import { load, withBase } from "../../config/support.ts";
import { deployment, digestConfig } from "../../support/afk.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import type { Postgres } from "../../support/postgres/server.ts";
import { forTest, freshDatabase, postgres, sharedPostgres } from "../../support/postgres/shared.ts";
import { startStandby } from "../../support/postgres/standby.ts";
import { freshState, postgresStore } from "../../support/postgres/state.ts";
import { SUPERUSER } from "../../support/postgres/template.ts";
import { until } from "../../support/postgres/until.ts";
import { hostWith } from "./harness.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

/** What doctor finds of this database, by name; one reading as doctor does it. */
async function look(target: DatabaseTarget, clock: Clock = systemClock) {
  const reader = openPostgresReader(target);
  try {
    const config = { ...load(withBase({})), database: target };
    const found = await reader.read(async (db) =>
      [await database({ config, store: { db }, clock, host: hostWith() })].flat(),
    );
    const named = (name: string) => found.filter((each) => (each.name ?? "database") === name);
    return { found, named, one: (name: string) => named(name)[0] as Finding };
  } finally {
    await reader.close();
  }
}

/** An agent's schema, after a section: its gate knows the database. */
async function afterWork(): Promise<DatabaseTarget> {
  const target = await freshState();
  const store = await postgresStore(target);
  await store.atomically(async () => undefined);
  return target;
}

/** The same on a server of the test's own. */
async function workedOn(server: Postgres): Promise<DatabaseTarget> {
  const target = { url: server.url(), schema: "afk_test" };
  const store = await openPostgresStore(target);
  await store.atomically(async () => undefined);
  await store.close();
  return target;
}

function asSuperuser(target: DatabaseTarget): DatabaseTarget {
  const url = new URL(target.url);
  url.username = SUPERUSER;
  return { ...target, url: url.href };
}

async function connected(target: DatabaseTarget): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: target.url, options: `-c search_path=${target.schema}` });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const NAMES = [
  "database",
  "durability",
  "failover",
  "failover seen",
  "text columns",
  "open transactions",
  "database clock",
  "database size",
];

describe.skipIf(problem !== null)(`doctor of a fleet's database${skipped}`, { timeout: 60_000 }, () => {
  test("finds a healthy one well, as an ordinary role and as the superuser", async () => {
    const target = await afterWork();
    for (const each of [target, asSuperuser(target)]) {
      const { found, one } = await look(each);
      expect(found.map(({ name = "database" }) => name)).toEqual(NAMES);
      expect(found.map(({ result, mend }) => [result, mend])).toEqual(NAMES.map(() => ["ok", null]));
      expect(one("failover").found).toMatch(/no standby follows.*what the server's disk loses is lost/);
      expect(one("text columns").found).toMatch(/^all \d{3} compare by bytes/);
    }
  });

  test("names what a crash would lose: fsync, full_page_writes, synchronous_commit", async () => {
    const server = await postgres({ settings: { fsync: "off", full_page_writes: "off" } });
    const target = await workedOn(server);
    await server.query("alter role afk set synchronous_commit = off");
    const { named } = await look(target);
    expect(named("durability")).toMatchObject([
      { result: "bad", found: expect.stringContaining("synchronous_commit is off") },
      { result: "bad", found: expect.stringContaining("fsync is off") },
      { result: "bad", found: expect.stringContaining("full_page_writes is off") },
    ]);
  });

  test("says what a standby is good for, and what an ordinary role does not see of it", async () => {
    const primary = await postgres();
    const target = await workedOn(primary);
    const standby = await forTest(startStandby(primary, { sync: false }));
    const [row] = await primary.query("select application_name as name from pg_stat_replication");
    const name = String(row?.name);
    const failover = async () => (await look(target)).one("failover");
    const asAdmin = async () => (await look(asSuperuser(target))).one("failover");

    expect(await failover()).toMatchObject({
      result: "warn",
      found: expect.stringMatching(
        /^asynchronous: 1 standby .*follows.*may forget reservations.*kill switch/,
      ),
      mend: expect.stringContaining("synchronous_standby_names"),
    });
    expect((await asAdmin()).found).toContain(`1 standby (${name}) follows`);

    await primary.query(`alter system set synchronous_standby_names = '${name}'`);
    await primary.query("select pg_reload_conf()");
    await until("it is waited for", async () => {
      const [now] = await primary.query("select sync_state from pg_stat_replication");
      return now?.sync_state === "sync";
    });
    expect(await asAdmin()).toMatchObject({
      result: "ok",
      found: expect.stringContaining(`survives a failover to ${name}`),
    });
    expect(await failover()).toMatchObject({
      result: "skipped",
      found: expect.stringMatching(/^not seen: /),
    });
    await primary.query("grant pg_monitor to afk");
    expect(await failover()).toMatchObject({ result: "ok" });
    await primary.query("alter role afk set synchronous_commit = remote_write");
    expect(await failover()).toMatchObject({ result: "warn", found: expect.stringContaining("loses power") });
    await primary.query("alter role afk set synchronous_commit = local");
    expect(await failover()).toMatchObject({ result: "warn", found: expect.stringContaining("is local") });
    await primary.query("alter role afk reset synchronous_commit");

    await standby.catchUp();
    const ofStandby = await look({ ...target, url: standby.url() });
    expect(ofStandby.named("database")).toMatchObject([
      { result: "ok" },
      { result: "bad", found: expect.stringContaining("it only reads") },
    ]);

    await standby.close();
    await until("it is gone", async () => {
      return (await primary.query("select 1 from pg_stat_replication")).length === 0;
    });
    expect(await failover()).toMatchObject({
      result: "bad",
      found: expect.stringContaining("0 of the 1 that it waits for is connected: no commit returns"),
    });
  });

  test("names a column that does not compare by bytes, and the statement that mends it", async () => {
    const target = await afterWork();
    const client = await connected(target);
    await client.query('alter table jobs alter column key type text collate "default"');
    const columns = (await look(target)).one("text columns");
    expect(columns).toMatchObject({ result: "bad", found: expect.stringContaining("jobs.key (default)") });
    await client.query(columns.mend?.replace("with all machines stopped: ", "") ?? "");
    expect((await look(target)).one("text columns").result).toBe("ok");
  });

  test("tells of a transaction that stays open, and of one of which it cannot see since when", async () => {
    const target = await afterWork();
    const open = async () => (await look(target)).one("open transactions");
    const theirs = await connected(asSuperuser(target));
    await theirs.query("begin isolation level repeatable read");
    await theirs.query("select 1");
    expect(await open()).toMatchObject({ result: "skipped", found: expect.stringContaining("not shown") });
    const work = "do $$ begin for i in 1..10100 loop perform pg_current_xact_id(); commit; end loop; end $$";
    await (await connected(target)).query(work);
    expect(await open()).toMatchObject({
      result: "warn",
      found: expect.stringMatching(
        /of postgres, has one open \(since when is not shown to this role; 1\d{4} /,
      ),
      mend: expect.stringContaining("pg_terminate_backend("),
    });
    await theirs.query("rollback");
    expect((await open()).result).toBe("ok");
  });

  test("says that a failover was seen until a person confirms it, and one that nobody has seen yet", async () => {
    const target = await afterWork();
    const store = await postgresStore(target);
    const seen = async () => (await look(target)).one("failover seen");
    await store.db.updateTable("gate").set({ timeline: "00000007" }).execute();
    expect(await seen()).toMatchObject({
      result: "bad",
      found: expect.stringMatching(/was \d+ 00000007\): the next tick sets the kill switch/),
    });
    await store.atomically(async () => undefined);
    expect(await seen()).toMatchObject({
      result: "bad",
      found: expect.stringContaining("the database failed over"),
      mend: expect.stringContaining("afk resume"),
    });
    await store.db.updateTable("database_events").set({ confirmed_at: 1 }).execute();
    expect((await seen()).result).toBe("ok");
  });

  test("says that an ordinary role may not ask for what a failover is seen by, and looks at the rest", async () => {
    const target = await afterWork();
    const server = await sharedPostgres();
    const name = new URL(target.url).pathname.slice(1);
    await server.query("revoke execute on function pg_control_system() from public", [], name);
    const { found, one } = await look(target);
    expect(one("failover seen")).toMatchObject({ result: "bad", mend: expect.stringContaining("grant") });
    expect(found.filter(({ result }) => result !== "ok")).toHaveLength(1);
  });

  test.each([120_000, -120_000])(
    "tells of a clock that is %i ms off, and not of one that is right",
    async (ms) => {
      const target = await afterWork();
      const { one } = await look(target, { ...systemClock, nowMs: () => systemClock.nowMs() + ms });
      expect(one("database clock")).toMatchObject({
        result: "warn",
        found: expect.stringContaining(`2 min ${ms > 0 ? "ahead of" : "behind"} the database`),
      });
      expect((await look(target)).one("database clock").result).toBe("ok");
    },
  );

  test("is part of doctor, which also says where there is no schema yet", async () => {
    const url = await freshDatabase();
    const target = deployment({
      ...digestConfig("http://127.0.0.1:9"),
      database: { url, schema: "afk_test" },
    });
    const checks = async () => {
      const all = await diagnoseState(
        { config: target.configFile, state: target.state, environment: {}, kinds: () => jobKinds },
        { isOffline: true, host: hostWith() },
      );
      return all.filter(({ group }) => group === "state");
    };
    const before = await checks();
    expect(before.find(({ name }) => name === "database")).toMatchObject({
      result: "skipped",
      found: expect.stringContaining("no schema of this agent yet"),
    });
    expect(before.filter(({ result }) => result === "bad")).toEqual([]);
    await (await openPostgresStore({ url, schema: "afk_test" })).close();
    const after = await checks();
    expect(after.map(({ name }) => name)).toEqual(expect.arrayContaining(NAMES));
    expect(after.filter(({ found }) => found.includes("could not be looked at"))).toEqual([]);
  });
});

test.each([
  [120_022, "12.22", "bad"],
  [130_000, "13.0", "warn"],
  [140_012, "14.12 (Debian 14.12-1)", "warn"],
  [150_018, "15.18", "ok"],
  [180_004, "18.4", "ok"],
])("a server of version %i is judged: %s, %s", (number, text, result) => {
  const finding = judgeVersion(number, text);
  expect(finding).toMatchObject({ result, found: expect.stringContaining(text.split(" ")[0] ?? "") });
});

describe("what a failover forgets", () => {
  const seen = (...sync: string[]) => sync.map((each, number) => ({ name: `s${number}`, sync: each }));
  const unseen = [
    { name: null, sync: null },
    { name: null, sync: null },
  ];
  test.each<[string, Partial<Replication>, Finding["result"], RegExp]>([
    ["nothing follows", {}, "ok", /no standby follows/],
    ["nothing is named", { standbys: seen("async", "async") }, "warn", /2 standbys \(s0, s1\) follow,/],
    [
      "one of a list",
      { names: "s0, s1", standbys: seen("sync", "potential") },
      "ok",
      /to s0 \(not to 1 other\)/,
    ],
    ["a quorum", { names: "ANY 2 (s0, s1, s2)", standbys: seen("quorum", "quorum") }, "ok", /s0, s1;/],
    ["too few", { names: "ANY 2 (s0, s1, s2)", standbys: seen("quorum") }, "bad", /1 of the 2/],
    ["the wrong one", { names: "other", standbys: seen("async") }, "bad", /0 of the 1/],
    ["none for a number", { names: "2 (a, b)", standbys: seen("sync") }, "bad", /1 of the 2/],
    ["unseen", { names: "FIRST 2 (a, b)", standbys: unseen }, "skipped", /not shown to afk/],
    ["too few unseen", { names: "FIRST 3 (*)", standbys: unseen }, "bad", /2 of the 3/],
    ["nobody waits", { names: "*", level: "off", standbys: seen("sync") }, "warn", /^asynchronous/],
  ])("is said where the standbys are: %s", (_, given, result, text) => {
    const finding = judgeStandbys({ names: "", level: "on", role: "afk", standbys: [], ...given });
    expect(finding).toMatchObject({ result, found: expect.stringMatching(text) });
  });
});
