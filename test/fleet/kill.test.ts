// @module-tag processes
// @module-tag slow
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { guard } from "../../src/rails/guard.ts";
import { Killed } from "../../src/rails/halt.ts";
import { setKill } from "../../src/rails/kill.ts";
import { openPostgresStore } from "../../src/store/postgres/open.ts";
import type { Store } from "../../src/store/store.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { startProxy } from "../support/postgres/proxy.ts";
import { forTest, freshDatabase, sharedPostgres } from "../support/postgres/shared.ts";
import { guardedCall } from "../support/rails.ts";
import { type RailsOn, railsOn } from "../support/rails-on.ts";
import { tempDir } from "../support/temp.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

/** The database does not answer for less than what is borne, and for more. */
const SHORT_MS = 3_000;
const BLIND_MS = 5_000;

describe.skipIf(problem !== null)(`a kill switch that is set by another machine${skipped}`, () => {
  test("ends calls in the middle of them on all machines", async () => {
    const { machines } = await fleet(3);
    const [killer] = await more(1, machines.url);
    const calls = machines.all.map(inMidStream);
    const all = Promise.allSettled(calls.map(({ call }) => call));
    await Promise.all(calls.map(({ begun }) => begun));
    const began = performance.now();
    await set(killer);
    for (const ended of await all) expect(ended).toMatchObject({ reason: { kill: { by: "row" } } });
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("is found by looking alone where no hint arrives", async () => {
    const { machines } = await fleet(1);
    const [machine] = machines.all as [RailsOn];
    const { call, begun } = inMidStream(machine);
    await begun;
    const [killer] = await more(1, machines.url);
    // As the section that sets it does, and nobody is told.
    await killer?.store.atomically((trx) =>
      trx.updateTable("kill_switch").set({ set_at: 1, reason: "by hand" }).execute(),
    );
    await expect(call).rejects.toMatchObject({ kill: { by: "row" } });
  });
});

describe.skipIf(problem !== null)(`the looks at a kill switch${skipped}`, () => {
  test("are what finds it: a watch that goes by what it has seen once finds nothing", async () => {
    const { machines } = await fleet(1, (store) => ({ ...store, changes: { seen: async () => 1 } }));
    const [machine] = machines.all as [RailsOn];
    const { call, begun, end } = inMidStream(machine);
    await begun;
    // One look has passed, which reads the row in any case.
    await sleep(1_000);
    const [killer] = await more(1, machines.url);
    await set(killer);
    await sleep(3_000);
    expect(machine.watch.signal.aborted).toBe(false);
    end();
    expect(await call).toBe("text");
  });

  test("end the work where they are not answered: a watch that takes silence for a no goes on", async () => {
    const { machines, proxy } = await fleet(1, (store) => ({
      ...store,
      changes: { seen: () => Promise.race([store.changes.seen().catch(() => 1), sleep(100, 1)]) },
    }));
    const [machine] = machines.all as [RailsOn];
    const { call, begun, end } = inMidStream(machine);
    await begun;
    await sleep(1_000);
    proxy.freeze(true);
    await sleep(BLIND_MS + 3_000);
    expect(machine.watch.signal.aborted).toBe(false);
    proxy.freeze(false);
    end();
    await call;
  });
});

describe.skipIf(problem !== null)(`a database that does not answer${skipped}`, () => {
  test("for a short time ends nothing", async () => {
    const { machines, proxy } = await fleet(1);
    const [machine] = machines.all as [RailsOn];
    const { call, begun, end } = inMidStream(machine);
    await begun;
    proxy.refuse(true);
    proxy.cutAll();
    await sleep(SHORT_MS);
    proxy.refuse(false);
    await sleep(1_000);
    end();
    expect(await call).toBe("text");
    expect(machine.watch.signal.aborted).toBe(false);
  });

  test.each(["refuses", "is silent"])(
    "ends what is in flight when it %s for long, lets nothing new leave, and works again",
    async (how) => {
      const { machines, proxy } = await fleet(1);
      const [machine] = machines.all as [RailsOn];
      const { call, begun } = inMidStream(machine);
      const ended = call.catch((error: unknown) => error);
      await begun;
      const began = performance.now();
      if (how === "refuses") {
        proxy.refuse(true);
        proxy.cutAll();
      } else proxy.freeze(true);
      await ended;
      const tookMs = performance.now() - began;
      expect(tookMs).toBeGreaterThan(BLIND_MS - 1_000);
      expect(tookMs).toBeLessThan(2 * BLIND_MS + 5_000);
      expect(machine.watch.signal.reason).toBeInstanceOf(Killed);
      expect(machine.watch.signal.reason).toMatchObject({ kill: { by: "database" }, exitCode: 69 });
      let left = false;
      const next = guard(
        machine,
        guardedCall(machine, {
          perform: async () => {
            left = true;
            return { costMicros: 0, inputTokens: 1, outputTokens: 1, value: "text" };
          },
        }),
      );
      await expect(next).rejects.toThrow();
      expect(left).toBe(false);
      proxy.refuse(false);
      proxy.freeze(false);
      await expect
        .poll(() => guard(machine, guardedCall(machine)).catch(() => null), { timeout: 20_000 })
        .toBe("text");
      // Nobody has set the switch.
      expect(
        await machine.store.db.selectFrom("alerts").selectAll().where("event", "=", "kill_set").execute(),
      ).toEqual([]);
      // What it cost is not known: it stays charged, until it is found out or recovered.
      const entries = await machine.store.db.selectFrom("ledger").select("state").execute();
      expect(entries.filter(({ state }) => state === "sending" || state === "unknown")).toHaveLength(1);
    },
  );

  test("does not hide the STOP file", async () => {
    const { machines, proxy } = await fleet(1);
    const [machine] = machines.all as [RailsOn];
    const { call, begun } = inMidStream(machine);
    const ended = call.catch((error: unknown) => error);
    await begun;
    proxy.freeze(true);
    await sleep(300);
    writeFileSync(machine.stopFile, "");
    await expect.poll(() => machine.watch.signal.aborted, { timeout: 4_000 }).toBe(true);
    expect(machine.watch.signal.reason).toMatchObject({ kill: { by: "file" } });
    await ended;
  });
});

const set = (rails: RailsOn | undefined) =>
  rails?.store.atomically((trx) => setKill(trx, rails.outbox.announce, "by hand", rails.clock.nowMs()));

/** A call that has sent its request and waits for the rest of the answer. */
function inMidStream(rails: RailsOn) {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const call = guard(
    rails,
    guardedCall(rails, {
      perform: async (signal) => {
        begin();
        const aborted = new Promise<never>((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
        );
        await Promise.race([over, aborted]);
        return { costMicros: 400, inputTokens: 7, outputTokens: 3, value: "text" };
      },
    }),
  );
  return { call, begun, end };
}

/** @param plant what a machine has in the place of its store */
async function more(
  count: number,
  url: string,
  plant: (store: Store) => Store = (store) => store,
): Promise<RailsOn[]> {
  const all = await Promise.all(
    Array.from({ length: count }, () => openPostgresStore({ url, schema: "afk_test" })),
  );
  for (const store of all) onTestFinished(() => store.close());
  return all.map((store) => railsOn(plant(store), tempDir()));
}

/** Machines that reach their database through a network that fails when told to. */
async function fleet(count: number, plant?: (store: Store) => Store) {
  const direct = await freshDatabase();
  const proxy = await forTest(startProxy(await sharedPostgres()));
  return { proxy, machines: { url: direct, all: await more(count, proxy.url(direct), plant) } };
}
