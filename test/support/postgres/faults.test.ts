// @module-tag processes
// @module-tag slow
import { once } from "node:events";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { postgresProblem } from "./binaries.ts";
import { pgBouncerProblem, startPgBouncer } from "./pgbouncer.ts";
import { startProxy } from "./proxy.ts";
import type { Postgres } from "./server.ts";
import { forTest, freshDatabase, postgres, sharedPostgres } from "./shared.ts";
import { startStandby } from "./standby.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`faults between clients and PostgreSQL${skipped}`, () => {
  test.each([
    ["a simple query", (client: pg.Client) => client.query("commit")],
    ["a prepared statement", (client: pg.Client) => client.query({ name: "end", text: "commit" })],
  ])("the answer of COMMIT is dropped while the commit is there, sent as %s", async (_, commit) => {
    const { direct, proxy } = await behindProxy();
    const client = await connected(proxy.url(direct));
    await client.query("create table t (a int)");
    const { happened } = proxy.dropAnswerOf(/^commit/i);
    await client.query("begin");
    await client.query("insert into t values ($1)", [7]);
    await expect(commit(client)).rejects.toThrow();
    expect(await happened).toBe("commit");
    const other = await connected(proxy.url(direct));
    expect((await other.query("select a from t")).rows).toEqual([{ a: 7 }]);
    // Once: the next commit is answered.
    await other.query("begin");
    await other.query("commit");
    expect(proxy.statements(/^commit/i)).toBe(2);
    expect(proxy.connections()).toBe(2);
  });

  test("connections are cut, refused and frozen", async () => {
    const { direct, proxy } = await behindProxy();
    const client = await connected(proxy.url(direct));
    proxy.freeze(true);
    const answer = client.query("select 1 as one");
    const wait = once(AbortSignal.timeout(200), "abort").then(() => "no answer");
    expect(await Promise.race([answer, wait])).toBe("no answer");
    proxy.freeze(false);
    expect((await answer).rows).toEqual([{ one: 1 }]);
    proxy.refuse(true);
    await expect(connected(proxy.url(direct))).rejects.toThrow();
    expect((await client.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
    const slept = client.query("select pg_sleep(60)");
    proxy.cutAll();
    await expect(slept).rejects.toThrow();
  });

  test("a request for encryption passes, with the server's refusal of it", async () => {
    const { direct, proxy } = await behindProxy();
    await expect(connected(proxy.url(direct), { ssl: true })).rejects.toThrow(/SSL/);
  });

  test("a frozen standby is promoted on another timeline, without what it did not receive", async () => {
    const primary = await postgres();
    const standby = await forTest(startStandby(primary, { sync: false }));
    await primary.query("create table t (a int)");
    await primary.query("insert into t values (1)");
    await standby.catchUp();
    await standby.freeze();
    await primary.query("insert into t values (2)");
    const before = await timeline(primary);
    await primary.kill();
    await standby.promote();
    expect(await standby.query("select a from t")).toEqual([{ a: 1 }]);
    expect(await timeline(standby)).not.toBe(before);
  });

  test("a commit waits for a synchronous standby, and a promoted one commits alone", async () => {
    const primary = await postgres();
    await primary.query("create table t (a int)");
    const standby = await forTest(startStandby(primary, { sync: true }));
    await standby.freeze();
    const commit = primary.query("insert into t values (1)").then(
      () => "committed",
      () => "failed",
    );
    const wait = once(AbortSignal.timeout(300), "abort").then(() => "waiting");
    expect(await Promise.race([commit, wait])).toBe("waiting");
    await primary.kill();
    expect(await commit).toBe("failed");
    await standby.promote();
    await standby.query("insert into t values (3)");
    expect(await standby.query("select a from t")).toEqual([{ a: 3 }]);
  });

  const noBouncer = pgBouncerProblem();
  test.skipIf(noBouncer !== null)(
    `PgBouncer gives a client another connection for its next transaction${noBouncer === null ? "" : ` -- skipped: ${noBouncer}`}`,
    async () => {
      const direct = await freshDatabase();
      const bouncer = await forTest(startPgBouncer(await sharedPostgres()));
      const [one, two] = [await connected(bouncer.url(direct)), await connected(bouncer.url(direct))];
      const pid = async (client: pg.Client) =>
        (await client.query("select pg_backend_pid() as pid")).rows[0].pid;
      const first = await pid(one);
      await two.query("begin");
      expect(await pid(two)).toBe(first);
      expect(await pid(one)).not.toBe(first);
      await two.query("commit");
    },
  );
});

async function behindProxy() {
  const direct = await freshDatabase();
  return { direct, proxy: await forTest(startProxy(await sharedPostgres())) };
}

async function connected(connectionString: string, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, ...more });
  // A cut connection is also an event of the client.
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function timeline(server: Postgres): Promise<unknown> {
  const [row] = await server.query("select left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline");
  return row?.timeline;
}
