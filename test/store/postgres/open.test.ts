// @module-tag processes
// @module-tag slow
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { readMeta, writeMeta } from "../../../src/store/meta.ts";
import { MIGRATIONS } from "../../../src/store/migrations.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import type { Store } from "../../../src/store/store.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { startProxy } from "../../support/postgres/proxy.ts";
import { forTest, freshDatabase, postgres, sharedPostgres } from "../../support/postgres/shared.ts";
import { startStandby } from "../../support/postgres/standby.ts";
import { freshState, postgresStore } from "../../support/postgres/state.ts";
import { until } from "../../support/postgres/until.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- ${problem}`;

describe.skipIf(problem !== null)(`a schema of PostgreSQL${skipped}`, () => {
  test("is made once by eight that open it at the same moment", async () => {
    const url = await freshDatabase();
    const target = { url, schema: "afk_raced" };
    const stores = await Promise.all(Array.from({ length: 8 }, () => postgresStore(target)));
    for (const store of stores) await store.atomically((trx) => writeMeta(trx, "ping_failed_at", 1));
    expect(await names(stores[0] as Store)).toEqual(Object.keys(MIGRATIONS));
  });

  test("is beside those of other agents, with tables of the same names", async () => {
    const url = await freshDatabase();
    const one = await postgresStore({ url, schema: "afk_one" });
    const other = await postgresStore({ url, schema: 'afk_"other' });
    await one.atomically((trx) => writeMeta(trx, "ping_failed_at", 1));
    expect(await readMeta(other.db, "ping_failed_at")).toBe(0);
  });

  test("that is newer than this version is refused, when it is opened and while it is open", async () => {
    const target = await freshState();
    const store = await postgresStore(target);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '')`.execute(store.db);
    const refused = { code: "store_newer", message: expect.stringContaining("9999-later") };
    await expect(store.health.refuseForeign()).rejects.toMatchObject({ message: refused.message });
    await expect(openPostgresStore(target)).rejects.toMatchObject({ message: refused.message });
  });

  test("that was closed is asked nothing more, and keeps no session for whoever still asks", async () => {
    const url = await freshDatabase();
    const store = await openPostgresStore({ url, schema: "afk_closed" });
    await store.close();
    const late = [
      () => readMeta(store.db, "ping_failed_at"),
      () => readMeta(store.latest, "ping_failed_at"),
      () => store.changes.seen(),
      () => store.atomically((trx) => writeMeta(trx, "ping_failed_at", 1)),
      () => store.db.transaction().execute((trx) => readMeta(trx, "ping_failed_at")),
    ];
    for (const ask of late) await expect(ask()).rejects.toThrow("closed");
    await until("its sessions have ended", async () => {
      const count = "select count(*)::int as count from pg_stat_activity where datname = $1";
      const database = new URL(url).pathname.slice(1);
      return (await (await sharedPostgres()).query(count, [database]))[0]?.count === 0;
    });
  });

  test("sorts by code points whatever the database's own order is", async () => {
    const target = await freshState();
    const store = await postgresStore(target);
    const { rows } = await sql<{ column: string }>`
      select table_name || '.' || column_name as column from information_schema.columns
      where table_schema = ${target.schema} and data_type in ('text', 'character varying')
        and collation_name is distinct from 'C' and table_name not like 'kysely_%'`.execute(store.db);
    expect(rows).toEqual([]);
    for (const key of ["a", "B", "-", "@", "_"])
      await sql`insert into meta (key, value) values (${key}, 1)`.execute(store.db);
    const sorted = async () => {
      const found = await store.db.selectFrom("meta").select("key").orderBy("key").execute();
      return found.map(({ key }) => key).join("");
    };
    expect(await sorted()).toBe("-@B_a");
    // The database's own order is another one, so that a column without it would be found out.
    await sql`alter table meta alter column key type text collate "default"`.execute(store.db);
    expect(await sorted()).not.toBe("-@B_a");
  });
});

describe.skipIf(problem !== null)("values in PostgreSQL", () => {
  test("come back as they were given: counts and money as numbers, bytes, and texts without U+0000", async () => {
    const store = await postgresStore();
    const value = Number.MAX_SAFE_INTEGER;
    await store.atomically((trx) => writeMeta(trx, "ping_failed_at", value));
    expect(await readMeta(store.db, "ping_failed_at")).toBe(value);
    const { rows } = await sql<Record<string, unknown>>`
      select sum(value) as sum, count(*) as count, cast(12.5 as numeric) as part, ${"a\0b\u{1F600}"} as text,
        ${new Uint8Array([0, 255])}::bytea as bytes from meta`.execute(store.db);
    expect(rows).toEqual([
      { sum: value, count: 1, part: 12.5, text: "a\uFFFDb\u{1F600}", bytes: Buffer.from([0, 255]) },
    ]);
  });

  test.each([
    ["9007199254740993", "bigint"],
    ["9007199254740993", "numeric"],
    ["-9007199254740993", "bigint"],
    ["NaN", "numeric"],
    ["Infinity", "numeric"],
  ])("of %s are refused rather than rounded: %s", async (text, type) => {
    const store = await postgresStore();
    const query = sql`select cast(${text} as ${sql.raw(type)}) as value`.execute(store.db);
    await expect(query).rejects.toMatchObject({
      code: "store_damaged",
      message: expect.stringContaining(text),
    });
    // And the connection goes on.
    expect(await readMeta(store.db, "ping_failed_at")).toBe(0);
  });
});

describe.skipIf(problem !== null)("what the server refuses is told in words", () => {
  test("when the user, the database or the address is wrong", async () => {
    const server = await sharedPostgres();
    const at = (url: string) => openPostgresStore({ url, schema: "afk_test" });
    await expect(at(server.url("no_such_database"))).rejects.toMatchObject({
      code: "store_unwritable",
      message: expect.stringContaining("createdb"),
    });
    await expect(at(server.url("postgres", "nobody"))).rejects.toMatchObject({
      code: "store_unwritable",
      message: expect.stringContaining("user and password"),
    });
    await expect(at("postgres://afk:secret@127.0.0.1:1/afk")).rejects.toMatchObject({
      code: "store_unreachable",
      exitCode: 69,
      message: expect.not.stringContaining("secret"),
    });
  });

  test("when the user may make no schema", async () => {
    const url = new URL(await freshDatabase());
    const server = await sharedPostgres();
    await server.query("drop role if exists stranger");
    await server.query("create role stranger login");
    const target = { url: server.url(url.pathname.slice(1), "stranger"), schema: "afk_test" };
    await expect(openPostgresStore(target)).rejects.toMatchObject({
      code: "store_unwritable",
      message: expect.stringContaining("schema of its own"),
    });
  });

  test.each([
    ["53100", "disk_full"],
    ["58030", "store_io"],
    ["XX001", "store_damaged"],
    ["55P03", "store_busy"],
    ["40001", "store_busy"],
    ["57P03", "store_unreachable"],
    ["25006", "store_unreachable"],
    ["42501", "store_unwritable"],
  ])("by its code %s, in a section and out of one", async (state, code) => {
    const store = await postgresStore();
    const fail = sql`do ${sql.raw(`$$ begin raise exception 'so it is' using errcode = '${state}'; end $$`)}`;
    await expect(fail.execute(store.db)).rejects.toMatchObject({ code });
    if (["store_busy", "store_unreachable"].includes(code)) return;
    await expect(store.atomically((trx) => fail.execute(trx))).rejects.toMatchObject({ code });
  });

  test("when it is a standby, which is waited for as what is away", async () => {
    const primary = await postgres();
    const target = { url: primary.url(), schema: "afk_test" };
    await (await openPostgresStore(target)).close();
    const standby = await forTest(startStandby(primary, { sync: false }));
    await standby.catchUp();
    const proxy = await forTest(startProxy(standby));
    const store = await postgresStore({ ...target, url: proxy.url(target.url) });
    const section = store.atomically((trx) => writeMeta(trx, "ping_failed_at", 1));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await primary.kill();
    await standby.promote();
    await section;
    expect(await readMeta(store.db, "ping_failed_at")).toBe(1);
  });
});

describe.skipIf(problem !== null)("connections that are lost", () => {
  test("fail what they were asked, and are replaced for what comes after and for those who wait for one", async () => {
    const direct = await freshState();
    const proxy = await forTest(startProxy(await sharedPostgres()));
    const store = await postgresStore({ ...direct, url: proxy.url(direct.url) });
    const slept = Array.from({ length: 4 }, () => sql`select pg_sleep(60)`.execute(store.db));
    const failed = Promise.all(
      slept.map((each) => expect(each).rejects.toMatchObject({ code: "store_unreachable", exitCode: 69 })),
    );
    const waiting = Array.from({ length: 4 }, () => readMeta(store.db, "ping_failed_at"));
    await until("four wait for an answer", () => proxy.statements(/^select pg_sleep/) === 4);
    proxy.cutAll();
    await failed;
    expect(await Promise.all(waiting)).toEqual([0, 0, 0, 0]);
  });

  test("leave nobody waiting while none can be made", async () => {
    const direct = await freshState();
    const proxy = await forTest(startProxy(await sharedPostgres()));
    const store = await postgresStore({ ...direct, url: proxy.url(direct.url) });
    const asked = [
      ...Array.from({ length: 4 }, () => sql`select pg_sleep(60)`.execute(store.db)),
      ...Array.from({ length: 6 }, () => readMeta(store.db, "ping_failed_at")),
    ];
    const settled = Promise.allSettled(asked);
    await until("four wait for an answer", () => proxy.statements(/^select pg_sleep/) === 4);
    proxy.refuse(true);
    proxy.cutAll();
    expect((await settled).map(({ status }) => status)).toEqual(asked.map(() => "rejected"));
    proxy.refuse(false);
    expect(await readMeta(store.db, "ping_failed_at")).toBe(0);
  });

  test("are ended by the server when their process does nothing in a section, so that others pass", async () => {
    const target = await freshState();
    const stopped = await forTest(Session.open(target));
    await stopped.begin("", "select 1 from gate where id = 1 for update");
    const store = await postgresStore(target);
    await store.atomically((trx) => writeMeta(trx, "ping_failed_at", 1));
    expect(stopped.isLost()).toBe(true);
  });
});

async function names(store: Store): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
    store.db,
  );
  return rows.map(({ name }) => name);
}
