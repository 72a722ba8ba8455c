// @module-tag processes
// @module-tag slow
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { setKill } from "../../../src/rails/kill.ts";
import { isUnreachable } from "../../../src/store/errors.ts";
import { writeMeta } from "../../../src/store/meta.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { Session } from "../../../src/store/postgres/session.ts";
import { hintOthers, type Store } from "../../../src/store/store.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { pgBouncerProblem, startPgBouncer } from "../../support/postgres/pgbouncer.ts";
import { startProxy } from "../../support/postgres/proxy.ts";
import { forTest, freshDatabase, sharedPostgres } from "../../support/postgres/shared.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
const noBouncer = pgBouncerProblem();

/** Longer than the answers that are shared. */
const FRESH_MS = 150;

async function open(url: string): Promise<Store> {
  const store = await openPostgresStore({ url, schema: "afk_test" });
  onTestFinished(() => store.close());
  return store;
}

const write = (store: Store, value: number) =>
  store.atomically((trx) => writeMeta(trx, "retained_at", value));

async function seenAfter(store: Store, work: () => Promise<unknown>): Promise<[number, number]> {
  await sleep(FRESH_MS);
  const before = await store.changes.seen();
  await work();
  await sleep(FRESH_MS);
  return [before, await store.changes.seen()];
}

describe.skipIf(problem !== null)(`what others have committed${skipped}`, () => {
  test("shows by another number, and what this process commits does not", async () => {
    const url = await freshDatabase();
    const [one, two] = [await open(url), await open(url)];
    const [before, own] = await seenAfter(one, () => write(one, 1));
    expect(own).toBe(before);
    const [mine, others] = await seenAfter(one, () => write(two, 2));
    expect(others).not.toBe(mine);
  });

  test("shows among commits of one's own, however they meet", async () => {
    const url = await freshDatabase();
    const [one, two] = [await open(url), await open(url)];
    let isOver = false;
    const busy = (async () => {
      for (let n = 0; !isOver; n++) await write(one, n);
    })();
    let known = await one.changes.seen();
    for (let n = 0; n < 15; n++) {
      await write(two, n);
      // A look that met a commit of one's own in the middle may be off by one; the next is not.
      await expect
        .poll(async () => (await one.changes.seen()) !== known, { timeout: 2_000, interval: 50 })
        .toBe(true);
      await sleep(FRESH_MS);
      known = await one.changes.seen();
    }
    isOver = true;
    await busy;
  });

  test("shows a kill switch that was set by this process too", async () => {
    const store = await open(await freshDatabase());
    const [before, after] = await seenAfter(store, () =>
      store.atomically((trx) => setKill(trx, async () => undefined, "by hand", 1)),
    );
    expect(after).not.toBe(before);
  });

  test("needs one statement a look, on the one connection of a process that does nothing else", async () => {
    const { store, proxy } = await behindProxy();
    await sleep(50);
    const [connections, statements] = [proxy.connections(), proxy.statements()];
    for (let n = 0; n < 5; n++) {
      await store.changes.seen();
      await sleep(FRESH_MS);
    }
    expect(proxy.connections()).toBe(connections);
    expect(proxy.statements() - statements).toBe(5);
  });
});

describe.skipIf(problem !== null)(`a hint${skipped}`, () => {
  test("reaches others at the commit of its section, and not before", async () => {
    const url = await freshDatabase();
    const [one, two] = [await open(url), await open(url)];
    let hints = 0;
    one.onHint(() => {
      hints += 1;
    });
    await two.atomically(async (trx) => {
      await hintOthers(trx);
      await sleep(300);
      expect(hints).toBe(0);
    });
    await expect.poll(() => hints).toBe(1);
  });

  test("is none of another agent of the same database", async () => {
    const url = await freshDatabase();
    const [one, two] = [await open(url), await openPostgresStore({ url, schema: "afk_other" })];
    onTestFinished(() => two.close());
    let hints = 0;
    one.onHint(() => {
      hints += 1;
    });
    await two.atomically(hintOthers);
    await one.atomically(hintOthers);
    await expect.poll(() => hints).toBe(1);
  });

  test.skipIf(noBouncer !== null)(
    `costs nothing but itself behind a transaction pooler${noBouncer === null ? "" : ` -- skipped: ${noBouncer}`}`,
    async () => {
      const url = await freshDatabase();
      const bouncer = await forTest(startPgBouncer(await sharedPostgres()));
      const [one, two] = [await open(bouncer.url(url)), await open(bouncer.url(url))];
      for (let n = 0; n < 10; n++) {
        const [before, after] = await seenAfter(one, () =>
          two.atomically(async (trx) => {
            await hintOthers(trx);
            await writeMeta(trx, "retained_at", n);
          }),
        );
        expect(after).not.toBe(before);
      }
    },
  );
});

describe.skipIf(problem !== null)(`a link that is half open${skipped}`, () => {
  test("fails a look within seconds, and the next one has another connection", async () => {
    const { store, proxy } = await behindProxy();
    await store.changes.seen();
    proxy.freeze(true);
    await sleep(FRESH_MS);
    const began = performance.now();
    await expect(store.changes.seen()).rejects.toSatisfy(isUnreachable);
    expect(performance.now() - began).toBeLessThan(5_000);
    proxy.freeze(false);
    await expect
      .poll(() =>
        store.changes.seen().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  test("would keep a look waiting, if its connection were not given up", async () => {
    const { store, proxy } = await behindProxy();
    await store.changes.seen();
    const { destroy } = Session.prototype;
    Session.prototype.destroy = () => undefined;
    onTestFinished(() => {
      Session.prototype.destroy = destroy;
    });
    proxy.freeze(true);
    await sleep(FRESH_MS);
    const look = store.changes.seen().then(
      () => "answered",
      () => "failed",
    );
    expect(await Promise.race([look, sleep(5_000, "waits")])).toBe("waits");
    Session.prototype.destroy = destroy;
    proxy.freeze(false);
    expect(await look).not.toBe("waits");
  });

  test("holds nothing up once patience is gone: what waits fails, what comes is refused, and closing ends", async () => {
    const { store, proxy } = await behindProxy();
    await write(store, 1);
    await store.db.selectFrom("meta").selectAll().execute();
    proxy.freeze(true);
    const waiting = [
      write(store, 2),
      write(store, 3),
      store.db.selectFrom("meta").selectAll().execute(),
      store.db.selectFrom("meta").selectAll().execute(),
    ];
    const ended = Promise.allSettled(waiting);
    await sleep(200);
    const began = performance.now();
    store.setPatience(0);
    for (const each of await ended) expect(each).toMatchObject({ reason: { code: "store_unreachable" } });
    await expect(write(store, 4)).rejects.toSatisfy(isUnreachable);
    await expect(store.db.selectFrom("meta").selectAll().execute()).rejects.toSatisfy(isUnreachable);
    await store.close();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("is waited for as long as is said, and what comes later works again", async () => {
    const { store, proxy } = await behindProxy();
    await write(store, 1);
    proxy.freeze(true);
    const waiting = write(store, 2);
    store.setPatience(500);
    store.setPatience(500);
    await expect(waiting).rejects.toMatchObject({ exitCode: 69 });
    proxy.freeze(false);
    store.setPatience(null);
    await write(store, 3);
    expect(
      await store.db.selectFrom("meta").select("value").where("key", "=", "retained_at").execute(),
    ).toEqual([{ value: 3 }]);
  });
});

async function behindProxy() {
  const direct = await freshDatabase();
  const proxy = await forTest(startProxy(await sharedPostgres()));
  return { store: await open(proxy.url(direct)), proxy };
}
