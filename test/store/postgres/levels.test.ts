// @module-tag processes
// @module-tag slow
import { type Insertable, type Kysely, sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";
import { LEVEL, MIGRATIONS, type Step } from "../../../src/store/migrations.ts";
import { migrate } from "../../../src/store/postgres/migrate.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { openPostgresReader } from "../../../src/store/postgres/open-reader.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import type { MachinesTable } from "../../../src/store/schema/fleet.ts";
import type { Store } from "../../../src/store/store.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { forTest } from "../../support/postgres/shared.ts";
import { freshState, postgresStore } from "../../support/postgres/state.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- ${problem}`;

const NEWER = { code: "store_newer", exitCode: 1 };

const step = (beside: string | null, up: (db: Kysely<never>) => Promise<void> = addColumn): Step => ({
  beside,
  up,
});

async function addColumn(db: Kysely<never>): Promise<void> {
  await sql`alter table jobs add column colour text`.execute(db);
}

/** As a later version does when it opens the schema. */
async function upgrade(target: DatabaseTarget, more: Record<string, Step>): Promise<void> {
  const session = await Session.open(target);
  try {
    await migrate(session, target, { ...MIGRATIONS, ...more });
  } finally {
    await session.drop();
  }
}

const columns: Insertable<MachinesTable> = {
  ...{
    id: "a",
    part: "worker",
    runner: "a.1",
    name: "host-a",
    boot_id: "b",
    pid: 1,
    process_started: "",
    version: "0.1.9",
  },
  ...{ level: LEVEL, started_at: 0, lease_until: 0, looked_at: 0, clock_off_ms: 0 },
  ...{ lost_at: null, ended_at: null },
};

async function joins(store: Store, change: Partial<Insertable<MachinesTable>> = {}) {
  const lease_until = Date.now() + 15_000;
  await store.atomically((trx) =>
    trx
      .insertInto("machines")
      .values({ ...columns, lease_until, ...change })
      .execute(),
  );
}

async function applied({ db }: Store): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.at(-1)?.name;
}

const bump = (store: Store) =>
  store.atomically((trx) => trx.updateTable("kill_switch").set({ reason: null }).execute());

/** What a process of this version may still do, in the state that it has open and in one that it opens. */
async function whatWorks(target: DatabaseTarget, store: Store) {
  const reader = openPostgresReader(target);
  const works = async (work: () => Promise<unknown>) =>
    await work().then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject(NEWER);
        return false;
      },
    );
  try {
    return {
      section: await works(() => bump(store)),
      tick: await works(() => store.health.refuseForeign()),
      open: await works(async () => (await openPostgresStore(target)).close()),
      look: await works(() => reader.read(reader.isMigrated)),
    };
  } finally {
    await reader.close();
  }
}
const ALL = { section: true, tick: true, open: true, look: true };
const NOTHING = { section: false, tick: false, open: false, look: false };

describe.skipIf(problem !== null)(`a migration beside an older version${skipped}`, () => {
  test("goes ahead where it says so, and the older version goes on and begins anew", async () => {
    const target = await freshState();
    const store = await postgresStore(target);
    await joins(store);
    await upgrade(target, { "0014-next": step(LEVEL), "0015-more": step(LEVEL, async () => undefined) });
    expect(await applied(store)).toBe("0015-more");
    expect(await whatWorks(target, store)).toEqual(ALL);
    expect(await store.db.selectFrom("gate").select(["level", "level_min"]).execute()).toEqual([
      { level: "0015-more", level_min: LEVEL },
    ]);
  });

  test.each<[what: string, more: Record<string, Step>]>([
    ["it says that none may", { "0014-next": step(null) }],
    ["it does not say", { "0014-next": { up: addColumn } as unknown as Step }],
    ["it is for later ones", { "0014-next": step("0014-next") }],
    [
      "one of several is not for it",
      { "0014-next": step(LEVEL), "0015-more": step("0014-next", async () => undefined) },
    ],
  ])("is refused while one is at work where %s, and done after its end", async (_what, more) => {
    const target = await freshState();
    const store = await postgresStore(target);
    await joins(store);
    await joins(store, { part: "gateway" });
    await joins(store, { id: "b", name: "host-b", level: "0016-later" });
    const refused = await upgrade(target, more).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "machines_older",
      exitCode: 78,
      retry: "never",
      message: expect.stringMatching(
        /: host-a \(a, afk 0\.1\.9\), the gateway of host-a \(a, afk 0\.1\.9\);/,
      ),
    });
    expect((refused as Error).message).not.toContain("host-b");
    expect(await applied(store)).toBe(LEVEL);
    expect(await whatWorks(target, store)).toEqual(ALL);
    await store.db.updateTable("machines").set({ ended_at: 1 }).where("id", "=", "a").execute();
    await upgrade(target, more);
    expect(await whatWorks(target, store)).toEqual(NOTHING);
  });

  test.each<[what: string, change: Partial<Insertable<MachinesTable>>]>([
    ["is over", { lease_until: 1 }],
    ["was lost", { lost_at: 1 }],
    ["ended", { ended_at: 1 }],
  ])("waits for no machine whose lease %s", async (_what, change) => {
    const target = await freshState();
    const store = await postgresStore(target);
    await joins(store, change);
    await upgrade(target, { "0014-next": step(null) });
    expect(await applied(store)).toBe("0014-next");
  });

  test("lets nobody of an older version take part while it runs or just before", async () => {
    const target = await freshState();
    const store = await postgresStore(target);
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = step(null, async (db) => {
      begun.resolve();
      await goOn.promise;
      await addColumn(db);
    });
    const upgrading = upgrade(target, { "0014-next": slow });
    await begun.promise;
    const joining = joins(store).catch((error: unknown) => error);
    goOn.resolve();
    await upgrading;
    expect(await joining).toMatchObject(NEWER);

    const other = await freshState();
    const before = await postgresStore(other);
    const took = Promise.withResolvers<void>();
    const part = before.atomically(async (trx) => {
      await trx
        .insertInto("machines")
        .values({ ...columns, lease_until: Date.now() + 15_000 })
        .execute();
      const refusing = upgrade(other, { "0014-next": step(null) }).catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, 300));
      took.resolve();
      return { refusing };
    });
    await took.promise;
    expect(await (await part).refusing).toMatchObject({ code: "machines_older" });
  });
});

describe.skipIf(problem !== null)("a schema that does not say for whom it is", () => {
  test.each<[what: string, statement: string]>([
    ["a migration is not written down in", "insert into kysely_migration values ('0015-more', '')"],
    ["another is said to be the newest", "update gate set level = '0019-other'"],
    ["one that this version knows is missing", `delete from kysely_migration where name = '${LEVEL}'`],
    ["the gate is missing", "delete from gate"],
  ])("is refused: %s", async (_what, statement) => {
    const target = await freshState();
    const store = await postgresStore(target);
    await upgrade(target, { "0014-next": step(LEVEL) });
    expect((await whatWorks(target, store)).open).toBe(true);
    await sql.raw(statement).execute(store.db);
    const { open, tick, look } = await whatWorks(target, store).catch(() => NOTHING);
    expect({ open, tick, look }).toEqual({ open: false, tick: false, look: false });
  });

  test("is not copied as a whole by an older version, which knows not all of it", async () => {
    const { withWholeState } = await import("../../../src/store/postgres/whole-state.ts");
    const target = await freshState();
    await upgrade(target, { "0014-next": step(LEVEL) });
    await forTest(openPostgresStore(target));
    await expect(withWholeState(target, async () => undefined, "look")).rejects.toMatchObject(NEWER);
  });
});
