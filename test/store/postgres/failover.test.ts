// @module-tag processes
// @module-tag slow
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { tellEvents } from "../../../src/rails/database-events.ts";
import { passGates } from "../../../src/rails/gates.ts";
import { Killed } from "../../../src/rails/halt.ts";
import { readKillRow } from "../../../src/rails/kill.ts";
import { resume } from "../../../src/rails/resume.ts";
import { type Judge, judgeOrigin } from "../../../src/store/postgres/failover.ts";
import { markPath } from "../../../src/store/postgres/mark.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { type Owner, runAs } from "../../support/postgres/owner.ts";
import { startProxy } from "../../support/postgres/proxy.ts";
import { forTest, freshDatabase, postgres } from "../../support/postgres/shared.ts";
import { startStandby } from "../../support/postgres/standby.ts";
import { until } from "../../support/postgres/until.ts";
import { reservation } from "../../support/rails.ts";
import { railsOn } from "../../support/rails-on.ts";
import { tempDir } from "../../support/temp.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

/** A hundred calls fill the day. */
const CALL = reservation(10_000);
const GATED = { ...CALL, dependency: "model:openai/test" };

interface Options {
  state?: string;
  judge?: Judge;
}

async function machine(
  url: string,
  { state = tempDir(), ...options }: Options & { remembers?: boolean } = {},
) {
  const { remembers = true, ...rest } = options;
  const store = await openPostgresStore(
    { url, schema: "afk_test" },
    { ...(remembers && { state }), ...rest },
  );
  onTestFinished(() => store.close());
  const rails = railsOn(store, state, { budget: { day_micros: 1_000_000 } });
  return {
    ...rails,
    state,
    buy: () =>
      passGates(rails, GATED).then(
        () => true,
        (error: unknown) => {
          if (error instanceof Killed) return false;
          throw error;
        },
      ),
    async buyMany(count: number): Promise<number> {
      const bought = await Promise.allSettled(Array.from({ length: count }, () => passGates(rails, GATED)));
      return bought.filter(({ status }) => status === "fulfilled").length;
    },
    kill: () => readKillRow(store.db),
    events: () => store.db.selectFrom("database_events").selectAll().execute(),
    mark: () => JSON.parse(readFileSync(markPath(state), "utf8")),
    bought: async () => (await store.db.selectFrom("ledger").select("id").execute()).length,
  };
}

const SETTING = "alter system set synchronous_standby_names = ''";

describe.skipIf(problem !== null)(`failover of the database${skipped}`, () => {
  test.each([
    ["killed", "SIGKILL"],
    ["stopped at once", "SIGQUIT"],
  ] as const)("a server that was %s and started again is the same one", async (_, signal) => {
    const server = await postgres();
    const one = await machine(server.url());
    expect(await one.buyMany(5)).toBe(5);
    await server.kill(signal);
    await server.start();
    expect(await one.buyMany(5)).toBe(5);
    expect(await one.kill()).toBeNull();
    expect(await one.bought()).toBe(10);
    expect(one.mark()).toMatchObject({ timeline: "00000001", epoch: 0 });
  });

  /** Sixty calls that the standby never heard of, and its promotion. Gives what was bought in all. */
  async function promoteWithout(options: Options & { remembers?: boolean }) {
    const primary = await postgres();
    const proxy = await forTest(startProxy(primary));
    const standby = await forTest(startStandby(primary, { sync: false }));
    const one = await machine(proxy.url(primary.url()), options);
    await one.store.atomically(async () => undefined);
    await standby.catchUp();
    await standby.freeze();
    const before = await one.buyMany(60);
    await primary.kill();
    proxy.pointAt(standby);
    await standby.promote();
    proxy.cutAll();
    const after = await one.buyMany(150);
    return { one, url: proxy.url(primary.url()), before, after };
  }

  test("nothing is bought after an asynchronous standby was promoted that had forgotten sixty calls", async () => {
    const { one, url, before, after } = await promoteWithout({});
    expect({ before, after }).toEqual({ before: 60, after: 0 });
    expect(await one.bought()).toBe(0);
    expect((await one.kill())?.reason).toMatch(
      /^the database failed over: its server was promoted .*timeline 00000002, was 00000001.*afk ledger list --since.*afk resume/,
    );
    expect(await one.events()).toMatchObject([{ event: "failover_seen", confirmed_at: null }]);
    const gate = await one.store.db.selectFrom("gate").selectAll().executeTakeFirstOrThrow();
    expect(gate).toMatchObject({ epoch: 1, timeline: "00000002" });
    expect(one.mark()).toMatchObject({ epoch: 1, timeline: "00000002" });
    // Another machine, which has seen nothing of it, is stopped too, and adds nothing.
    const other = await machine(url);
    expect(await other.buyMany(3)).toBe(0);
    expect(await other.events()).toHaveLength(1);
    // A person confirms; then work goes on, and nobody stops it again.
    const { confirmed, kill } = await resume(one, { isBackToo: false });
    expect(confirmed).toEqual([kill?.reason]);
    expect([await one.buy(), await other.buy()]).toEqual([true, true]);
    expect(await other.kill()).toBeNull();
  });

  test("the test above would see a fleet that does not look at timelines and remembers nothing", async () => {
    const { before, after } = await promoteWithout({ remembers: false, judge: () => null });
    expect(before + after).toBe(160);
  });

  test("a mark alone finds out that calls were forgotten, where the timeline is not looked at", async () => {
    const blind: Judge = (gate, reading) =>
      judgeOrigin(
        { ...gate, known: gate.found },
        { ...reading, mark: { ...reading.mark, timeline: gate.found.timeline } },
      );
    const { one, before, after } = await promoteWithout({ judge: blind });
    expect({ before, after }).toEqual({ before: 60, after: 0 });
    expect((await one.kill())?.reason).toMatch(
      /it is an older copy \(generation \d+, and this machine has seen \d+ acknowledged\)/,
    );
  });

  test("a synchronous standby forgets nothing, and its promotion is seen all the same", async () => {
    const primary = await postgres();
    const proxy = await forTest(startProxy(primary));
    const standby = await forTest(startStandby(primary, { sync: true }));
    const one = await machine(proxy.url(primary.url()));
    expect(await one.buyMany(60)).toBe(60);
    await primary.kill();
    proxy.pointAt(standby);
    // As a standby it takes no section, and is waited for.
    const waiting = one.buy();
    waiting.catch(() => undefined);
    await standby.promote();
    expect(await waiting).toBe(false);
    expect(await one.bought()).toBe(60);
    expect((await one.kill())?.reason).toContain("was promoted");
  });

  test("a call is not told of while a cancelled wait for the standby leaves it on one server", async () => {
    const primary = await postgres();
    const standby = await forTest(startStandby(primary, { sync: true }));
    const one = await machine(primary.url());
    expect(await one.buy()).toBe(true);
    await standby.freeze();
    let told = false;
    const buying = one.buy().then((is) => {
      told = is;
    });
    const waiters = () =>
      primary.query("select pid from pg_stat_activity where wait_event = 'SyncRep'") as Promise<
        { pid: number }[]
      >;
    for (let round = 0; round < 3; round++) {
      await until("it waits for the standby", async () => (await waiters()).length > 0);
      for (const { pid } of await waiters()) await primary.query("select pg_cancel_backend($1)", [pid]);
      await pause(100);
    }
    expect(told).toBe(false);
    await primary.query(SETTING);
    await primary.query("select pg_reload_conf()");
    await buying;
    expect(told).toBe(true);
    expect(await one.bought()).toBe(2);
    expect(await one.kill()).toBeNull();
  });

  test("the test above would see a client that takes the answer of COMMIT for the truth", async () => {
    const primary = await postgres();
    const standby = await forTest(startStandby(primary, { sync: true }));
    await standby.freeze();
    const client = new pg.Client({ connectionString: primary.url() });
    await client.connect();
    onTestFinished(() => client.end());
    const { rows } = await client.query("select pg_backend_pid() as pid");
    const told = client.query("create table bought ()").then(({ command }) => command);
    await until("it waits for the standby", async () => {
      const found = await primary.query("select 1 from pg_stat_activity where wait_event = 'SyncRep'");
      return found.length > 0;
    });
    await primary.query("select pg_cancel_backend($1)", [rows[0].pid]);
    expect(await told).toBe("CREATE");
  });

  /** Ten calls, the server put back to how it was before them, and more calls. */
  async function putBack(options: Options & { remembers?: boolean }) {
    const server = await postgres();
    const data = join(server.folder, "data");
    const one = await machine(server.url(), options);
    expect(await one.buyMany(3)).toBe(3);
    await server.stop();
    await copy(server.owner, data, `${data}.before`);
    await server.start();
    expect(await one.buyMany(10)).toBe(10);
    await server.stop();
    await copy(server.owner, `${data}.before`, data);
    await server.start();
    return { one, server, after: await one.buyMany(5) };
  }

  test("a server that was put back on the same timeline is seen by the mark", async () => {
    const { one, after } = await putBack({});
    expect(after).toBe(0);
    expect(await one.bought()).toBe(3);
    expect((await one.kill())?.reason).toContain("it is an older copy");
  });

  test("the test above would see a machine that remembers nothing", async () => {
    const { one, after } = await putBack({ remembers: false });
    expect(after).toBe(5);
    expect(await one.kill()).toBeNull();
  });

  test("what one process of a machine has seen acknowledged, another does not believe forgotten", async () => {
    const server = await postgres();
    const state = tempDir();
    const data = join(server.folder, "data");
    const [worker, gateway] = [
      await machine(server.url(), { state }),
      await machine(server.url(), { state }),
    ];
    expect(await gateway.buy()).toBe(true);
    await server.stop();
    await copy(server.owner, data, `${data}.before`);
    await server.start();
    expect(await worker.buyMany(10)).toBe(10);
    await server.stop();
    await copy(server.owner, `${data}.before`, data);
    await server.start();
    expect(await gateway.buy()).toBe(false);
    expect((await gateway.kill())?.reason).toContain("it is an older copy");
  });

  test("the switch is set even where the section that finds it fails", async () => {
    const url = await freshDatabase();
    const one = await machine(url);
    await one.store.atomically(async () => undefined);
    await one.store.db.updateTable("gate").set({ timeline: "00000007" }).execute();
    const failing = one.store.atomically(async () => {
      throw new Error("of its own");
    });
    await expect(failing).rejects.toThrow("of its own");
    expect((await one.kill())?.reason).toContain("was promoted");
    expect(await one.events()).toHaveLength(1);
  });

  test("it is told of by the next outbox, once", async () => {
    const url = await freshDatabase();
    const one = await machine(url);
    let told = 0;
    one.store.health.onEvent(async () => {
      told += 1;
    });
    await one.store.atomically(async () => undefined);
    await one.store.db.updateTable("gate").set({ system_id: "7" }).execute();
    await one.store.atomically(async () => undefined);
    expect(told).toBe(1);
    for (const each of [one, await machine(url)])
      await each.store.atomically((trx) => tellEvents(trx, each.outbox.announce, 1));
    const alerts = await one.store.db.selectFrom("alerts").select(["event", "payload"]).execute();
    expect(alerts.map(({ event }) => event)).toEqual(["failover_seen"]);
    expect(JSON.parse(alerts[0]?.payload ?? "").message).toMatch(/is in another server .* afk resume/);
    const incidents = await one.store.db.selectFrom("incidents").select("event").execute();
    expect(incidents).toEqual([{ event: "failover_seen" }]);
  });

  describe("the mark of a machine", () => {
    async function afterWork(change: (state: string) => void, options: Options = {}) {
      const url = await freshDatabase();
      const one = await machine(url);
      expect(await one.buy()).toBe(true);
      change(one.state);
      const again = await machine(url, { state: one.state, ...options });
      const bought = await again.buy();
      return { bought, reason: (await again.kill())?.reason, again };
    }

    test("is one of a new machine where there is none, and nothing else of a machine", async () => {
      const { bought, again } = await afterWork((state) => rmSync(markPath(state)));
      expect(bought).toBe(true);
      expect(again.mark()).toMatchObject({ generation: expect.any(Number), timeline: "00000001" });
    });

    test.each<[string, (path: string, state: string) => void]>([
      [
        "deleted",
        (path, state) => {
          writeFileSync(join(state, "machine.json"), "{}");
          rmSync(path);
        },
      ],
      ["emptied", (path) => writeFileSync(path, "")],
      ["cut off", (path) => writeFileSync(path, readFileSync(path).subarray(0, 40))],
      ["of other bytes", (path) => writeFileSync(path, Buffer.alloc(512, 7))],
      [
        "without its number",
        (path) =>
          writeFileSync(path, readFileSync(path, "utf8").replace(/"generation":\d+/, '"generation":null')),
      ],
      [
        "a folder",
        (path) => {
          rmSync(path);
          cpSync(join(path, ".."), path, { recursive: true });
        },
      ],
    ])("stops the fleet where it is %s", async (_, change) => {
      const { bought, reason } = await afterWork((state) => change(markPath(state), state)).catch(
        (error) => ({
          bought: false,
          reason: String(error),
        }),
      );
      expect(bought).toBe(false);
      expect(reason).toMatch(/fleet-mark\.json/);
    });

    test.each<[string, (path: string) => void, RegExp]>([
      [
        "another database",
        (path) => edit(path, { systemId: "12345" }),
        /has worked with another one \(system identifier 12345/,
      ],
      ["a later epoch", (path) => edit(path, { epoch: 3 }), /it is an older copy/],
      [
        "a later generation",
        (path) => edit(path, { generation: 1_000_000 }),
        /it is an older copy .*has seen 1000000/,
      ],
      ["another timeline", (path) => edit(path, { timeline: "00000009" }), /this machine knows 00000009/],
    ])("stops the fleet where it is of %s", async (_, change, reason) => {
      const result = await afterWork((state) => change(markPath(state)));
      expect(result.bought).toBe(false);
      expect(result.reason).toMatch(reason);
      // Once: what was found is what is remembered from then on.
      await resume(result.again, { isBackToo: false });
      expect(await result.again.buy()).toBe(true);
    });

    test("of an earlier epoch is of before somebody was asked, and stops nobody", async () => {
      const { bought } = await afterWork(() => undefined);
      expect(bought).toBe(true);
      const url = await freshDatabase();
      const one = await machine(url);
      await one.buy();
      await one.store.db.updateTable("gate").set({ epoch: 1, generation: 1 }).execute();
      expect(await one.buy()).toBe(true);
      expect(one.mark()).toMatchObject({ epoch: 1, generation: 2 });
    });

    test("deleted under a process that works is made again from what that remembers", async () => {
      const url = await freshDatabase();
      const one = await machine(url);
      writeFileSync(join(one.state, "machine.json"), "{}");
      expect(await one.buy()).toBe(true);
      rmSync(markPath(one.state));
      expect(await one.buy()).toBe(true);
      const before = one.mark().generation;
      expect(await one.buy()).toBe(true);
      expect(one.mark().generation).toBe(before + 1);
    });

    test("that cannot be written keeps a section from being told", async () => {
      const url = await freshDatabase();
      const one = await machine(url);
      await one.buy();
      const path = markPath(one.state);
      edit(path, {});
      rmSync(path);
      cpSync(tempDir(), path, { recursive: true });
      await expect(one.buy()).rejects.toMatchObject({ code: "store_unwritable" });
    });
  });
});

/** A copy of a server's data in the place of what is there. */
async function copy(owner: Owner, from: string, to: string): Promise<void> {
  await runAs(owner, "rm", ["-rf", to]);
  await runAs(owner, "cp", ["-a", from, to]);
}

function edit(path: string, change: object): void {
  writeFileSync(
    path,
    `${JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }).padEnd(511)}\n`,
  );
}
