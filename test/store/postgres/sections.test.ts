// @module-tag processes
// @module-tag slow
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { addToMeta, readMeta, writeMeta } from "../../../src/store/meta.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import { prepared } from "../../../src/store/prepared.ts";
import { afterCommit } from "../../../src/store/store.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { forTest } from "../../support/postgres/shared.ts";
import { freshState, postgresStore } from "../../support/postgres/state.ts";
import { count, counted, sectionsOn } from "./sections-on.ts";

const problem = postgresProblem();

describe.skipIf(problem !== null)(`sections in PostgreSQL${problem === null ? "" : ` -- ${problem}`}`, () => {
  test("that wait share a commit, and run in the order they were asked for", async () => {
    const commits: number[] = [];
    const order: number[] = [];
    const { run } = sectionsOn(await freshState(), {
      onCommit: async ({ generation }) => void commits.push(generation),
    });
    const numbers = Array.from({ length: 10 }, (_, number) => number);
    const given = await Promise.all(
      numbers.map((number) =>
        run(async (trx) => {
          order.push(number);
          await addToMeta(trx, "forgotten_jobs_done", 1);
          return await readMeta(trx, "forgotten_jobs_done");
        }),
      ),
    );
    expect(order).toEqual(numbers);
    expect(given).toEqual(numbers.map((number) => number + 1));
    expect(commits).toHaveLength(1);
  });

  test("share it by at most 64, since other machines wait for the gate meanwhile", async () => {
    const commits: number[] = [];
    const { run } = sectionsOn(await freshState(), {
      onCommit: async ({ generation }) => void commits.push(generation),
    });
    await Promise.all(
      Array.from({ length: 130 }, () => run((trx) => addToMeta(trx, "forgotten_jobs_done", 1))),
    );
    expect(commits).toHaveLength(3);
    expect(await run((trx) => readMeta(trx, "forgotten_jobs_done"))).toBe(130);
  });

  test.each([0, 1, 2])("keep nothing of the one that fails, and all of the others: number %s", async (at) => {
    const { run } = sectionsOn(await freshState());
    const failure = new Error("the work failed");
    const ran = await Promise.allSettled(
      [1, 10, 100].map((by, number) =>
        run(async (trx) => {
          await addToMeta(trx, "forgotten_jobs_done", by);
          if (number === at) throw failure;
          return by;
        }),
      ),
    );
    expect(ran.map((each) => (each.status === "fulfilled" ? each.value : each.reason))).toEqual(
      [1, 10, 100].map((by, number) => (number === at ? failure : by)),
    );
    expect(await run((trx) => readMeta(trx, "forgotten_jobs_done"))).toBe(111 - 10 ** at);
  });

  test("are tried again where one met another's lock in a statement", async () => {
    const store = await postgresStore();
    let runs = 0;
    await store.atomically(async (trx) => {
      runs += 1;
      await addToMeta(trx, "forgotten_jobs_done", 1);
      if (runs === 1) await sql`do ${sql.raw("$$ begin raise using errcode = '40P01'; end $$")}`.execute(trx);
    });
    expect([runs, await readMeta(store.db, "forgotten_jobs_done")]).toEqual([2, 1]);
  });

  test("fail by the first of the statements that they sent together, whichever is told of before", async () => {
    const { run } = sectionsOn(await freshState());
    const setWrong = prepared((db, values: { value: number }) =>
      db.updateTable("kill_switch").set({ id: values.value }),
    );
    const later = async (failing: Promise<unknown>) => {
      await failing.finally(() => Promise.resolve().then(() => Promise.resolve()));
    };
    const failing = run(async (trx) => {
      const both = [later(setWrong(trx, { value: 7 })), setWrong(trx, { value: 8 })];
      // They are sent in the next turn; then both answers have come before either is read.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100));
      await Promise.all(both);
    });
    await expect(failing).rejects.toMatchObject({ code: "23514" });
  });

  test.each([0, 1])("go on after a statement that the server refused, in number %s", async (at) => {
    const store = await postgresStore();
    const ran = await Promise.allSettled(
      [0, 1, 2].map((number) =>
        store.atomically(async (trx) => {
          if (number === at) await sql`insert into meta (key, value) values (null, 1)`.execute(trx);
          await addToMeta(trx, "forgotten_jobs_done", 1);
        }),
      ),
    );
    expect(ran.filter(({ status }) => status === "rejected")).toMatchObject([{ reason: { code: "23502" } }]);
    expect(await readMeta(store.db, "forgotten_jobs_done")).toBe(2);
  });

  test.each([0, 1])(
    "fail alone where they went on after a statement that was refused: number %s",
    async (at) => {
      const store = await postgresStore();
      const ran = await Promise.allSettled(
        [0, 1, 2].map((number) =>
          store.atomically(async (trx) => {
            const refused = sql`insert into meta (key, value) values (null, 1)`;
            if (number === at) await refused.execute(trx).catch(() => undefined);
            else await addToMeta(trx, "forgotten_jobs_done", 1);
          }),
        ),
      );
      expect(ran.map(({ status }) => status)).toEqual(
        [0, 1, 2].map((number) => (number === at ? "rejected" : "fulfilled")),
      );
      expect(await readMeta(store.db, "forgotten_jobs_done")).toBe(2);
    },
  );

  test("tell of what they did once it is on the disk, in order, and never of what failed", async () => {
    const store = await postgresStore();
    const told: string[] = [];
    const ran = ["first", "second", "third"].map((name) =>
      store.atomically(async (trx) => {
        afterCommit(trx, () => told.push(`${name}, and then`));
        afterCommit(trx, () => told.push(name));
        await addToMeta(trx, "forgotten_jobs_done", 1);
        expect(told).toEqual([]);
        if (name === "second") throw new Error("the work failed");
      }),
    );
    await Promise.allSettled(ran);
    expect(told).toEqual(["first, and then", "first", "third, and then", "third"]);
  });

  test("of what nobody waits for run before the next one, and share its commit", async () => {
    const store = await postgresStore();
    const soon = store.atomicallySoon((trx) => writeMeta(trx, "ping_failed_at", 7));
    expect(await store.atomically((trx) => readMeta(trx, "ping_failed_at"))).toBe(7);
    await soon;
    await store.atomicallySoon((trx) => writeMeta(trx, "ping_failed_at", 8));
    expect(await readMeta(store.db, "ping_failed_at")).toBe(8);
  });

  test("are not seen by readers before their commit, and are counted as this process's own", async () => {
    const target = await freshState();
    const store = await postgresStore(target);
    const other = await postgresStore(target);
    const before = [await store.changes.seen(), await other.changes.seen()];
    await store.atomically(async (trx) => {
      await writeMeta(trx, "ping_failed_at", 7);
      expect(await readMeta(store.db, "ping_failed_at")).toBe(0);
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await store.changes.seen()).toBe(before[0]);
    expect(await other.changes.seen()).toBe((before[1] ?? 0) + 1);
  });

  test("wait for a gate that is kept too long, and come through when it is free", async () => {
    const target = await freshState();
    const { run } = sectionsOn(target, {
      plant: (text) => text.replace(/lock_timeout to \d+/, "lock_timeout to 100"),
    });
    const holder = await forTest(Session.open(target));
    await holder.begin("", "select 1 from gate where id = 1 for update");
    const waiting = run(count);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await holder.rollback();
    expect(await waiting).toBe(1);
  });

  test("refuse a gate that is gone or forgets commits, and leave it free", async () => {
    const target = await freshState();
    const store = await postgresStore(target);
    const owner = await forTest(Session.open(target));
    const name = new URL(target.url).pathname.slice(1);
    await owner.client.query(`alter database ${name} set synchronous_commit to off`);
    const unsafe = await postgresStore(target);
    await expect(unsafe.atomically(count)).rejects.toMatchObject({ code: "store_unsafe" });
    // In the same moment, and not when the server ends the one that was refused.
    expect(await store.atomically(count)).toBe(1);
    await owner.client.query(`alter database ${name} reset synchronous_commit`);
    await owner.client.query(`delete from "${target.schema}".gate`);
    await expect(store.atomically(count)).rejects.toMatchObject({ code: "store_damaged" });
    await owner.client.query(
      `insert into "${target.schema}".gate (id, generation, latest_at, epoch, system_id, timeline, shift_ms, clock_set, level, level_min)
        values (1, 0, 0, 0, '', '', 0, 0, '0013-fleet', '0013-fleet')`,
    );
    expect(await store.atomically(count)).toBe(2);
  });
});

const GATE =
  /select 1 from gate where id = 1 for update; insert into commits [^;]*; update gate set [^;]*?( from [^;]* where gate\.id = 1)\s+returning ([^;]*)/;

/** The gate is looked at, and kept from nobody. */
function withoutLock(text: string): string {
  return text.replace(
    GATE,
    (_, from: string, columns: string) => `select ${columns} ${from.replace("from", "from gate,")}`,
  );
}

describe.skipIf(problem !== null)("16 clients at the gate", () => {
  const CAP = 40;

  async function spend(plant?: (sql: string) => string): Promise<number> {
    const target = await freshState();
    const clients = Array.from({ length: 16 }, () =>
      sectionsOn(target, plant === undefined ? {} : { plant }),
    );
    const ran = await Promise.all(
      clients.map(async ({ run }) => {
        let accepted = 0;
        for (let call = 0; call < 6; call++)
          accepted += await run(async (trx) => {
            if ((await readMeta(trx, "forgotten_jobs_done")) >= CAP) return 0;
            await addToMeta(trx, "forgotten_jobs_done", 1);
            return 1;
          });
        return accepted;
      }),
    );
    const accepted = ran.reduce((sum, each) => sum + each, 0);
    expect(await counted(sectionsOn(target), "forgotten_jobs_done")).toBe(accepted);
    return accepted;
  }

  test("spend the cap and no more", async () => {
    expect(await spend()).toBe(CAP);
  });

  test("would spend more if the gate were not locked", async () => {
    expect(await spend(withoutLock)).toBeGreaterThan(CAP);
  });
});
