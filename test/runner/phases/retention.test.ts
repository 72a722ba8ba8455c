// @module-tag slow
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import type { Agent } from "../../../src/agent.ts";
import { DAY_MS } from "../../../src/lib/durations.ts";
import { newId } from "../../../src/lib/ids.ts";
import { countersAgree } from "../../../src/ops/counters.ts";
import { readTickTotals } from "../../../src/ops/history.ts";
import { acceptWallClock } from "../../../src/rails/budget-time.ts";
import { readMeta } from "../../../src/store/meta.ts";
import { type Harness, harness } from "../harness.ts";

const DAILY = { jobs: [{ name: "work", kind: "work", every: "1d" }] };

describe("a year of ticks", () => {
  it("lets the database grow in its first half, and no more in its second", async () => {
    const { agent, clock, target } = await harness(busy, {
      jobs: [{ name: "work", kind: "work", every: "2d" }],
    });
    const bytes: number[] = [];
    for (let tick = 0; tick < TICKS; tick++) {
      for (let call = 0; call < CALLS; call++) await spend(agent);
      expect(await agent.tick()).toMatchObject({ outcome: "ok" });
      bytes.push(await usedBytes(agent));
      clock.advance(2 * DAY_MS);
    }
    const half = Math.max(...bytes.slice(0, TICKS / 2));
    const whole = Math.max(...bytes);
    // It does grow, or there would be nothing to keep in bounds; the sums by day are what still comes.
    expect(half).toBeGreaterThan(2 * (bytes[0] ?? 0));
    expect(whole).toBeLessThan(1.05 * half);
    expect(statSync(join(target.state, "afk.db")).size).toBeLessThan(1.05 * half + LOG_BYTES);
    // Each file is still there, and each run and call is still counted.
    expect(readdirSync(join(target.state, "out")).filter((name) => name.startsWith("work-"))).toHaveLength(
      TICKS,
    );
    expect(await agent.status()).toMatchObject({ queue: { done: TICKS } });
    expect(await countersAgree(agent.rails.store.db)).toEqual([]);
    const calls = await sql<{ n: number }>`
      select (select count(*) from ledger) + (select sum(calls) from ledger_days) as n`.execute(
      agent.rails.store.db,
    );
    expect(calls.rows).toEqual([{ n: TICKS * CALLS }]);
  }, 300_000);
});

const TICKS = 182;
const CALLS = 5;
/** What a checkpoint may leave of a log that was larger. */
const LOG_BYTES = 1024 * 1024;

async function spend(agent: Agent): Promise<void> {
  await agent.guard("thing", 0.002, async () => ({ value: null, costUsd: 0.001 }));
}

/** A job that does a little of everything that leaves rows behind. */
const busy: Parameters<typeof harness>[0] = async (context) => {
  const label = context.period.label;
  await context.step("fetch:0", async () => "f".repeat(40_000));
  context.remember([`${label}-a`, `${label}-b`]);
  context.publish(`work-${label}.md`, "p".repeat(10_000));
  return { units: 1, summary: "worked" };
};

/** Of the file with what is still in its log. */
async function usedBytes({ rails }: Agent): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select page_count * page_size as bytes from pragma_page_count, pragma_page_size`.execute(rails.store.db);
  return rows[0]?.bytes ?? 0;
}

describe("after retention has removed a job", () => {
  it("its key is still known, where somebody gave it one", async () => {
    const { agent } = await aged(DAILY);
    expect(await jobKeys(agent)).not.toContain("asked");
    expect(await agent.enqueue("work", { key: "asked" })).toEqual({ key: "asked", added: false });
    expect(await agent.enqueue("work", { key: "asked-0" })).toEqual({ key: "asked-0", added: true });
  });

  it("its slot is still known, when it comes again since the clock was set back", async () => {
    const { agent, clock, ran } = await aged({
      jobs: [{ name: "work", kind: "work", schedule: "0 6 * * *" }],
    });
    const runs = ran.length;
    clock.jump(-128 * DAY_MS);
    for (let day = 0; day < 5; day++) {
      await agent.tick();
      clock.advance(DAY_MS);
    }
    expect(ran).toHaveLength(runs);
    // Slots that nobody has forgotten run as ever.
    clock.jump(128 * DAY_MS);
    await agent.tick();
    expect(ran).toHaveLength(runs + 1);
  });

  it("its file is still there, and another of that name gets a number", async () => {
    const { agent, target, clock } = await aged({ jobs: [{ name: "work", kind: "work" }] }, (context) => {
      context.publish("same.md", context.period.label);
    });
    const out = join(target.state, "out");
    const first = readFileSync(join(out, "same.md"), "utf8");
    await agent.enqueue("work", { key: `again-${clock.nowMs()}` });
    await agent.tick();
    expect(readFileSync(join(out, "same.md"), "utf8")).toBe(first);
    expect(readdirSync(out).filter((name) => /^same-\d+\.md$/.test(name)).length).toBeGreaterThan(0);
    expect(readdirSync(out).filter((name) => name.startsWith("same")).length).toBe(
      await agent.status().then(({ queue }) => queue.done),
    );
  });

  it("a schedule goes on when a clock that ran ahead for years is right again", async () => {
    const { agent, clock, ran, reopen } = await aged(DAILY);
    await agent.close();
    // The machine starts with a clock that is years ahead, and runs so for months.
    clock.jump(3 * 365 * DAY_MS);
    clock.reboot();
    const ahead = await reopen(DAILY);
    for (let day = 0; day < 200; day += 20) {
      await ahead.tick();
      clock.advance(20 * DAY_MS);
    }
    clock.jump(-3 * 365 * DAY_MS - 100 * DAY_MS);
    await ahead.rails.store.atomically((trx) => acceptWallClock(trx, clock, { isBackToo: true }));
    const runs = ran.length;
    await ahead.tick();
    clock.advance(DAY_MS);
    await ahead.tick();
    expect(ran.length).toBeGreaterThan(runs);
  });
});

describe("what is asked for again", () => {
  it("is not forgotten while somebody asks, and is once nobody has for half a year", async () => {
    let asks = ["offered"];
    const { agent, clock } = await harness(
      async (context, count) => {
        if (count === 1) context.remember(["offered", "gone"]);
        else await context.isSeen(asks);
      },
      { jobs: [{ name: "work", kind: "work", every: "7d" }] },
    );
    const known = async () =>
      (await agent.rails.store.db.selectFrom("seen").select("key").orderBy("key").execute()).map(
        ({ key }) => key,
      );
    const weeks = async (count: number) => {
      for (let week = 0; week < count; week++) {
        await agent.tick();
        clock.advance(7 * DAY_MS);
      }
    };
    await weeks(20);
    expect(await known()).toEqual(["gone", "offered"]);
    await weeks(10);
    expect(await known()).toEqual(["offered"]);
    asks = [];
    await weeks(32);
    expect(await known()).toEqual([]);
  });
});

describe("a tick", () => {
  it("removes the copy that a restore which was cut off has left", async () => {
    const { agent, target } = await harness(busy, DAILY);
    const left = ["restoring.db", "restoring.db-wal"].map((name) => join(target.state, name));
    for (const path of left) writeFileSync(path, "x");
    await agent.tick();
    expect(left.filter((path) => existsSync(path))).toEqual([]);
  });

  it("says what it removed", async () => {
    const { target } = await aged(DAILY);
    expect(target.events()).toContain("history_removed");
  });

  it("sweeps a stopped agent too, a little at a time", async () => {
    const { agent, target, clock } = await harness(() => undefined, DAILY);
    writeFileSync(join(target.state, "STOP"), "");
    const { db } = agent.rails.store;
    await agent.tick();
    const tick = await db.selectFrom("ticks").selectAll().executeTakeFirstOrThrow();
    for (let more = 1; more <= 249; more++)
      await db
        .insertInto("ticks")
        .values({ ...tick, id: newId(clock.nowMs() + more) })
        .execute();
    clock.advance(91 * DAY_MS);
    await agent.tick();
    const left = await db.selectFrom("ticks").select("id").execute();
    // The newest 200 stay.
    expect(left).toHaveLength(200);
    expect(await totals(agent)).toEqual({ halted: 251 });
  });

  it("leaves retention to the next one when it is killed in its middle", async () => {
    const made = await harness(() => {
      if (isKilled) made.agent.rails.watch.trip({ by: "file", at: made.clock.nowMs(), reason: "touch STOP" });
      return undefined;
    }, DAILY);
    let isKilled = false;
    const { agent, clock } = made;
    await agent.tick();
    const sweptAt = await readMeta(agent.rails.store.db, "retained_at");
    expect(sweptAt).toBe(clock.nowMs());
    isKilled = true;
    clock.advance(91 * DAY_MS);
    expect(await agent.tick()).toMatchObject({ outcome: "halted" });
    expect(await readMeta(agent.rails.store.db, "retained_at")).toBe(sweptAt);
    const next = await made.reopen(DAILY);
    await next.tick();
    expect(await readMeta(next.rails.store.db, "retained_at")).toBe(clock.nowMs());
  });

  it("rolls up nothing over counters that somebody has changed, and says so", async () => {
    const { agent, target, clock } = await harness(busy, DAILY);
    await spend(agent);
    await agent.tick();
    const { db } = agent.rails.store;
    await sql`delete from budget_windows where "window" = 'hour'`.execute(db);
    clock.advance(120 * DAY_MS);
    const calls = await db.selectFrom("ledger").selectAll().execute();
    await agent.tick();
    expect(target.events()).toContain("records_failed");
    // What does not hang on it is swept all the same.
    expect(await readMeta(db, "retained_at")).toBe(clock.nowMs());
    expect(await db.selectFrom("ledger").selectAll().where("id", "<=", calls.at(-1)!.id).execute()).toEqual(
      calls,
    );
  });
});

/** An agent with daily jobs that are done, one of them under a key of its own, long ago enough for retention. */
async function aged(
  config: Record<string, unknown>,
  run: Parameters<typeof harness>[0] = () => undefined,
  more = 30,
): Promise<Harness> {
  const made = await harness(run, config);
  await made.agent.enqueue("work", { key: "asked" });
  for (let day = 0; day < 100 + more; day += 10) {
    if (day > 0) await made.agent.enqueue("work", { key: `asked-${day}` });
    await made.agent.tick();
    made.clock.advance(10 * DAY_MS);
  }
  // Steps, then calls, then jobs: a pass each.
  for (let pass = 0; pass < 3; pass++) {
    await made.agent.tick();
    made.clock.advance(2 * 3_600_000);
  }
  return made;
}

async function totals({ rails }: Agent) {
  return await readTickTotals(rails.store.db, { isHeld: false });
}

async function jobKeys({ rails }: Agent): Promise<string[]> {
  return (await rails.store.db.selectFrom("jobs").select("key").execute()).map(({ key }) => key);
}
