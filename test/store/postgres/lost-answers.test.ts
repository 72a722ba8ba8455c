// @module-tag processes
// @module-tag slow
import { CompiledQuery } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import { messageOf } from "../../../src/lib/errors.ts";
import { CommitUnknown } from "../../../src/store/postgres/errors.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import { withWholeState } from "../../../src/store/postgres/whole-state.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { startProxy } from "../../support/postgres/proxy.ts";
import { forTest, sharedPostgres } from "../../support/postgres/shared.ts";
import { freshState } from "../../support/postgres/state.ts";
import { count, counted, sectionsOn } from "./sections-on.ts";

const problem = postgresProblem();
const COMMIT = /^commit$/;
/** How the engine finds out what became of a commit. */
const ASKED = /^select number from commits where id = \$1/;

describe.skipIf(problem !== null)(
  `a section whose answers are lost${problem === null ? "" : ` -- ${problem}`}`,
  () => {
    test("at its commit is done once, and told what it gave", async () => {
      const { target, proxy, direct } = await behindProxy();
      const { run } = sectionsOn(target);
      expect(await run(count)).toBe(1);
      const { happened } = proxy.dropAnswerOf(COMMIT);
      expect(await Promise.all([run(count), run(count), run(count)])).toEqual([2, 3, 4]);
      await happened;
      expect(await counted(sectionsOn(direct))).toBe(4);
    });

    test("at the commit of a whole state is told as not known", async () => {
      const { target, proxy } = await behindProxy();
      await (await openPostgresStore(target)).close();
      proxy.dropAnswerOf(COMMIT);
      const set = withWholeState(target, async ({ trx }) => void (await count(trx)));
      await expect(set).rejects.toThrow("whether what was asked for is done is not known");
    });

    test("at its commit would be done twice if it were not asked for", async () => {
      const { target, proxy, direct } = await behindProxy();
      const { run } = sectionsOn(target, {
        plant: (text) => text.replace(ASKED, "select number - 1 as number from commits where id = $1"),
      });
      proxy.dropAnswerOf(COMMIT);
      await run(count);
      expect(await counted(sectionsOn(direct))).toBe(2);
    });

    test("before its commit is not lost", async () => {
      const { target, proxy, direct } = await behindProxy();
      let times = 0;
      const { run } = sectionsOn(target);
      const given = await run(async (trx) => {
        const value = await count(trx);
        times += 1;
        // The server never hears of the commit.
        if (times === 1) proxy.cutAll();
        return value;
      });
      expect([given, times, await counted(sectionsOn(direct))]).toEqual([1, 2, 1]);
    });

    test("before its commit is run again with those that shared it, also where the first fails then", async () => {
      const { target, proxy, direct } = await behindProxy();
      let times = 0;
      const { run } = sectionsOn(target);
      const ran = await Promise.allSettled([
        run(async (trx) => {
          await count(trx);
          if (times > 0) throw new Error("its lease was lost");
        }),
        run(count),
        run(async (trx) => {
          times += 1;
          await count(trx);
          if (times === 1) proxy.cutAll();
        }),
      ]);
      expect(ran.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
      expect([times, await counted(sectionsOn(direct))]).toEqual([2, 2]);
    });

    test("is run again with the others, whatever it makes of answers that did not come", async () => {
      const { target, proxy, direct } = await behindProxy();
      let times = 0;
      const { run } = sectionsOn(target);
      const ran = await Promise.allSettled([
        run(count),
        run(async (trx) => {
          times += 1;
          if (times > 1) return await count(trx);
          proxy.cutAll();
          await Promise.allSettled([count(trx)]);
          throw new Error("there is no such row");
        }),
      ]);
      expect(ran.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
      expect([times, await counted(sectionsOn(direct))]).toEqual([2, 2]);
    });

    test("before its commit would be lost if an answer that never came were taken for a yes", async () => {
      const { target, proxy, direct } = await behindProxy();
      const { run } = sectionsOn(target, {
        plant: (text) => text.replace(ASKED, "select 1 as number where $1::text is not null"),
      });
      await run(async (trx) => {
        await count(trx);
        proxy.cutAll();
      });
      expect(await counted(sectionsOn(direct))).toBe(0);
    });

    test("in the middle of it runs again, and what failed in it by itself does not", async () => {
      const { target, proxy, direct } = await behindProxy();
      const { run } = sectionsOn(target);
      const times = { first: 0, failing: 0, last: 0 };
      const failure = new Error("the work failed");
      const ran = await Promise.allSettled([
        run(async (trx) => {
          times.first += 1;
          return await count(trx);
        }),
        run(async (trx) => {
          times.failing += 1;
          await count(trx);
          throw failure;
        }),
        run(async (trx) => {
          times.last += 1;
          if (times.last === 1) proxy.dropAnswerOf(/^insert into "meta"/);
          return await count(trx);
        }),
      ]);
      expect(ran).toEqual([
        { status: "fulfilled", value: 1 },
        { status: "rejected", reason: failure },
        { status: "fulfilled", value: 2 },
      ]);
      expect(times.last).toBe(2);
      expect(await counted(sectionsOn(direct))).toBe(2);
    });

    test("at its commit fails as unknown where nobody can be asked, and says so", async () => {
      const { target, proxy } = await behindProxy();
      const { run } = sectionsOn(target, { patienceMs: 500 });
      await run(count);
      const { happened } = proxy.dropAnswerOf(COMMIT);
      const section = run(count);
      happened.then(
        () => proxy.refuse(true),
        () => undefined,
      );
      const error = await section.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CommitUnknown);
      expect(error).toMatchObject({
        exitCode: 69,
        message: expect.stringContaining("what became of it is not known"),
      });
      proxy.refuse(false);
      expect(await run(count)).toBe(3);
    });

    test("at the gate fails as unreachable when its patience is over, with nothing done", async () => {
      const { target, proxy, direct } = await behindProxy();
      const { run } = sectionsOn(target, { patienceMs: 300 });
      await run(count);
      proxy.refuse(true);
      proxy.cutAll();
      await expect(run(count)).rejects.toMatchObject({ code: "store_unreachable", exitCode: 69 });
      proxy.refuse(false);
      expect(await counted(sectionsOn(direct))).toBe(1);
    });

    test("waits for a server that is started again, and is done", async () => {
      const { target, proxy } = await behindProxy();
      const { run } = sectionsOn(target);
      await run(count);
      proxy.refuse(true);
      proxy.cutAll();
      const section = run(count);
      await new Promise((resolve) => setTimeout(resolve, 300));
      proxy.refuse(false);
      expect(await section).toBe(2);
    });
  },
);

describe.skipIf(problem !== null)("a statement by itself whose answer is lost", () => {
  const WRITE = "insert into meta (key, value) values ('alone', 1)";

  async function alone() {
    const { target, proxy, direct } = await behindProxy();
    const session = await Session.open(target);
    onTestFinished(() => session.drop());
    const error = async (statement: string) =>
      await session.executeQuery(CompiledQuery.raw(statement)).then(
        () => null,
        (thrown: unknown) => thrown,
      );
    const isThere = async () => {
      const other = await Session.open(direct);
      const { rows } = await other.executeQuery(CompiledQuery.raw("select 1 from meta where key = 'alone'"));
      await other.close();
      return rows.length === 1;
    };
    return { proxy, session, error, isThere };
  }

  test("at its commit is done, and is said to be of unknown outcome", async () => {
    const { proxy, error, isThere } = await alone();
    proxy.dropAnswerOf(COMMIT);
    const thrown = await error(WRITE);
    expect(thrown).toMatchObject({ code: "store_unreachable", exitCode: 69 });
    expect(messageOf(thrown)).toContain("whether what was asked for is done is not known");
    expect(messageOf(thrown)).not.toContain("nothing was changed");
    // What it said before.
    expect(await isThere()).toBe(true);
  });

  test("is said to have changed nothing where the server has refused it, where it only reads, and where it was never sent", async () => {
    const { proxy, session, error, isThere } = await alone();
    const refused = await error(
      WRITE.replace("values ('alone', 1)", "select 'alone', 1 from pg_terminate_backend(pg_backend_pid())"),
    );
    expect(messageOf(refused)).toContain("nothing was changed");
    expect(session.isLost()).toBe(true);
    expect(messageOf(await error(WRITE))).toContain("nothing was changed");
    const again = await alone();
    again.proxy.dropAnswerOf(COMMIT);
    expect(messageOf(await again.error("select 1"))).toContain("nothing was changed");
    expect([await isThere(), await again.isThere()]).toEqual([false, false]);
    proxy.cutAll();
  });
});

describe.skipIf(problem !== null)("a commit with a warning", () => {
  /** As the one of a wait for the standby that was cancelled: it comes with a commit that is acknowledged. */
  async function warnedOnce(target: { url: string; schema: string }) {
    const { run } = sectionsOn(target);
    await run(async (trx) => {
      const { sql } = await import("kysely");
      await sql`create function warn() returns trigger language plpgsql as 'begin raise warning ''the standby may not have it''; return null; end'`.execute(
        trx,
      );
      await sql`create constraint trigger warn after insert on meta deferrable initially deferred for each row execute function warn()`.execute(
        trx,
      );
    });
  }

  test("is asked for before it is taken for one", async () => {
    const { target, proxy, direct } = await behindProxy();
    await warnedOnce(direct);
    const { run } = sectionsOn(target);
    expect(await run(count)).toBe(1);
    expect(proxy.statements(ASKED)).toBe(1);
    // What only changes a row has no warning here, and is not asked for.
    expect(await run(count)).toBe(2);
    expect(proxy.statements(ASKED)).toBe(1);
    expect(await counted(sectionsOn(direct))).toBe(2);
  });
});

async function behindProxy() {
  const direct = await freshState();
  const proxy = await forTest(startProxy(await sharedPostgres()));
  return { direct, target: { ...direct, url: proxy.url(direct.url) }, proxy };
}
