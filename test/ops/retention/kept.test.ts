import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import type { AlertEvent } from "../../../src/alerts/events.ts";
import { readPrinted, savePrinted } from "../../../src/jobs/printed-items.ts";
import { toIso } from "../../../src/lib/clock.ts";
import { DAY_MS, HOUR_MS } from "../../../src/lib/durations.ts";
import { newId } from "../../../src/lib/ids.ts";
import { countersAgree } from "../../../src/ops/counters.ts";
import { readTickTotals } from "../../../src/ops/history.ts";
import { retain } from "../../../src/ops/retention/retain.ts";
import { reconcile } from "../../../src/rails/reconcile.ts";
import { partsOf } from "../../support/notice.ts";
import { counters, ended, sent, settledAt, spend, states, UNKNOWN } from "../../support/rails.ts";
import type { RailsOn } from "../../support/rails-on.ts";
import { type OpsHarness, opsHarness } from "../harness.ts";

/** Passes an hour apart, as many as it takes for what stands on something else to go after it. */
async function sweep({ rails, config }: OpsHarness, passes = 3): Promise<void> {
  const { signal } = new AbortController();
  for (let pass = 0; pass < passes; pass++) {
    await retain({ store: rails.store, config, clock: rails.clock, signal });
    rails.clock.advance(HOUR_MS);
  }
}

describe("of the ledger stays", () => {
  test("a call whose cost a person has said lately, however old it is", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    const doubtful = await sent(rails, 1_000);
    await ended(rails, doubtful, UNKNOWN);
    await spend(rails, 500);
    rails.clock.advance(100 * DAY_MS);
    await sweep(harness);
    expect(await states(rails)).toEqual(["unknown"]);
    await reconcile(rails, doubtful, 700);
    await sweep(harness);
    expect(await states(rails)).toEqual(["settled"]);
    expect(await countersAgree(rails.store.db)).toEqual([]);
    rails.clock.advance(91 * DAY_MS);
    await sweep(harness);
    expect(await states(rails)).toEqual([]);
    expect(await countersAgree(rails.store.db)).toEqual([]);
    expect(Object.values(await counters(rails, "day"))).toEqual(["1200/0"]);
  });

  test("a free call without an end, with the counters that take what a person says of it", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    const scope = { tick: "tick", job: "job" };
    const doubtful = await sent(rails, 0, { scope });
    await ended(rails, doubtful, UNKNOWN);
    await ended(rails, await sent(rails, 0, { scope }), settledAt(0));
    rails.clock.advance(100 * DAY_MS);
    await sweep(harness);
    await reconcile(rails, doubtful, 300);
    expect(await countersAgree(rails.store.db)).toEqual([]);
    expect(await counters(rails, "job")).toEqual({ job: "300/0" });
  });

  test("what is unknown, alone in counters that no longer count what went, nor what that was above its bound", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    const scope = { tick: "tick", job: "job" };
    await ended(rails, await sent(rails, 1_000, { scope }), settledAt(1_500));
    await ended(rails, await sent(rails, 200, { scope }), UNKNOWN);
    rails.clock.advance(100 * DAY_MS);
    await sweep(harness);
    const rows = await rails.store.db
      .selectFrom("budget_windows")
      .select(["window", "settled_micros", "reserved_micros", "overrun_micros"])
      .orderBy("window")
      .execute();
    const all = { settled_micros: 1_500, reserved_micros: 200, overrun_micros: 500 };
    const left = { settled_micros: 0, reserved_micros: 200, overrun_micros: 0 };
    expect(rows).toEqual([
      { window: "day", ...all },
      { window: "hour", ...left },
      { window: "job", ...left },
      { window: "month", ...all },
      { window: "tick", ...left },
      { window: "week", ...all },
    ]);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });

  test("what was spent in this hour, by a machine whose clock began in 1970", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    await spend(rails, 100);
    rails.clock.advance(100 * DAY_MS);
    await spend(rails, 200);
    const now = rails.clock.nowMs();
    rails.clock.jump(-now + DAY_MS);
    await spend(rails, 300);
    rails.clock.jump(now - DAY_MS);
    await sweep(harness);
    const hour = Object.values(await counters(rails, "hour"));
    expect(hour).toEqual(["500/0"]);
    expect(await countersAgree(rails.store.db)).toEqual([]);
  });
});

test("a wall clock that is set ahead makes nothing old", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  await spend(rails, 100);
  await harness.job("digest@1", "done");
  rails.clock.jump(400 * DAY_MS);
  await sweep(harness);
  expect(await states(rails)).toEqual(["settled"]);
  expect(await keysOf(rails, "jobs")).toEqual(["digest@1"]);
});

test("no day goes that the clock of unattended days has not written down", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  await rails.store.db
    .insertInto("clock")
    .values({
      id: 1,
      started_at: 0,
      day_zero: "2026-11-21",
      seen_day: "2026-11-21",
      version: "1",
      config_hash: "h",
    })
    .execute();
  await spend(rails, 100);
  rails.clock.advance(100 * DAY_MS);
  await sweep(harness);
  expect(await states(rails)).toEqual(["settled"]);
  await rails.store.db.updateTable("clock").set({ seen_day: "2027-03-01" }).execute();
  rails.clock.advance(31 * DAY_MS);
  await sweep(harness);
  expect(await states(rails)).toEqual([]);
});

test("of each job in afk.yaml the last three runs stay with their steps, and those of its last files", async () => {
  const harness = await opsHarness({ jobs: [{ name: "digest", kind: "plain", command: ["true"] }] });
  const { rails } = harness;
  const { db } = rails.store;
  for (let day = 0; day < 8; day++) {
    const at = rails.clock.nowMs();
    for (const name of ["digest", "gone"]) {
      const key = `${name}@${toIso(at)}`;
      await harness.job(key, "done");
      const id = newId(at);
      await db.updateTable("jobs").set({ id, name }).where("key", "=", key).execute();
      await db
        .insertInto("steps")
        .values({ job_id: id, name: "fetch:0", result: "{}", created_at: at })
        .execute();
      if (day === 1)
        await db
          .insertInto("outputs")
          .values({
            ...{ name: `${name}-2026-11-22.md`, job_id: id, content: "text" },
            ...{ state: "published", created_at: at, published_at: at },
          })
          .execute();
    }
    rails.clock.advance(DAY_MS);
  }
  rails.clock.advance(100 * DAY_MS);
  await sweep(harness);
  const days = (await keysOf(rails, "jobs")).map((key) => key.slice(0, "digest@2026-11-21".length));
  expect(days).toEqual(["22", "26", "27", "28"].map((day) => `digest@2026-11-${day}`));
  expect(await db.selectFrom("steps").select("name").execute()).toHaveLength(4);
  expect(await db.selectFrom("outputs").select("name").execute()).toEqual([{ name: "digest-2026-11-22.md" }]);
  expect(await db.selectFrom("taken_names").select(["kind", "name"]).execute()).toEqual([
    { kind: "output", name: "gone-2026-11-22.md" },
  ]);
  expect(await harness.status()).toMatchObject({ queue: { done: 16 } });
});

test("what a month counts is the same after a call of its last day was rolled up that another zone calls the next month's", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  await spend(rails, 100);
  rails.budget.timezone = "Pacific/Kiritimati";
  rails.clock.advance(Date.parse("2026-11-30T12:00:00Z") - rails.clock.nowMs());
  await spend(rails, 200);
  expect(await counters(rails, "day")).toEqual({ "2026-11-21": "100/0", "2026-12-01": "200/0" });
  expect(await counters(rails, "month")).toEqual({ "2026-11": "300/0" });
  rails.clock.advance(100 * DAY_MS);
  await sweep(harness);
  expect(await states(rails)).toEqual([]);
  expect(await counters(rails, "month")).toEqual({ "2026-11": "300/0" });
  expect(await countersAgree(rails.store.db)).toEqual([]);
});

describe("of the alerts stays", () => {
  test("the newest word on what may last, so that it is not told of again", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    await say(rails, "kill_set", "kill_set:row:1");
    await say(rails, "source_failed", "source_failed:digest/a:2026-11-01");
    await say(rails, "source_recovered", "source_recovered:digest/a:2026-11-01");
    await say(rails, "source_failed", "source_failed:digest/a:2026-11-02");
    await say(rails, "source_failed", "source_failed:digest/a:b:2026-11-03");
    await say(rails, "no_output", "no_output:after:start");
    await say(rails, "heartbeat_late", "heartbeat_late:t1");
    await say(rails, "recovered", "recovered:heartbeat_late:t1");
    await say(rails, "cap_hit", "cap_hit:day:2026-11-21");
    rails.clock.advance(100 * DAY_MS);
    await sweep(harness);
    expect(await keysOf(rails, "alerts")).toEqual([
      "heartbeat_late:t1",
      "kill_set:row:1",
      "no_output:after:start",
      "recovered:heartbeat_late:t1",
      "source_failed:digest/a:2026-11-02",
      "source_failed:digest/a:b:2026-11-03",
    ]);
  });

  test("what was told of lately by a clock that was far behind", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    await say(rails, "cap_hit", "cap_hit:day:2026-11-21");
    rails.clock.jump(-400 * DAY_MS);
    await say(rails, "clock_jump", "clock_jump:behind:1");
    await say(rails, "cap_hit", "cap_hit:day:2025-10-17");
    rails.clock.jump(400 * DAY_MS);
    await sweep(harness);
    expect(await keysOf(rails, "alerts")).toHaveLength(3);
    rails.clock.advance(100 * DAY_MS);
    await sweep(harness);
    expect(await keysOf(rails, "alerts")).toEqual(["clock_jump:behind:1"]);
  });

  test("the cap that a waiting job stands at, until the job has run", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    await harness.job("digest@1", "ready");
    await say(rails, "cap_hit", "cap_hit:job:digest@1");
    rails.clock.advance(100 * DAY_MS);
    await sweep(harness);
    expect(await keysOf(rails, "alerts")).toEqual(["cap_hit:job:digest@1"]);
    await rails.store.db
      .updateTable("jobs")
      .set({ state: "done", updated_at: rails.clock.nowMs() })
      .execute();
    await sweep(harness);
    expect(await keysOf(rails, "alerts")).toEqual([]);
  });

  test("what an incident that lasts is about, until it is over", async () => {
    const harness = await opsHarness();
    const { rails } = harness;
    await say(rails, "tick_failed", "tick_failed:t1");
    rails.clock.advance(100 * DAY_MS);
    await sweep(harness);
    expect(await keysOf(rails, "alerts")).toEqual(["tick_failed:t1"]);
    await rails.store.db.updateTable("incidents").set({ recovered_at: rails.clock.nowMs() }).execute();
    await sweep(harness);
    expect(await keysOf(rails, "alerts")).toEqual([]);
    expect(await rails.store.db.selectFrom("incidents").select("event").execute()).toEqual([
      { event: "tick_failed" },
    ]);
  });
});

test("recorded answers stay while their run may go on: until it is done or dropped, and 14 days where it is dead", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  const { db } = rails.store;
  const states = {
    waits: "ready",
    runs: "running",
    is_done: "done",
    is_dead: "dead",
    is_dropped: "dead",
  } as const;
  for (const [key, state] of Object.entries(states)) {
    const id = await harness.job(key, state);
    if (key === "is_dead") await db.insertInto("dead_letters").values(deadLetter(id, key)).execute();
    for (let position = 0; position < 60; position++)
      await db
        .insertInto("answers")
        .values(recordedAnswer(key, position, rails.clock.nowMs()))
        .execute();
  }
  const gone = recordedAnswer("is_removed", 0, rails.clock.nowMs());
  await db.insertInto("answers").values(gone).execute();
  const left = async () => {
    const rows = await db
      .selectFrom("answers")
      .select((eb) => ["job", eb.fn.countAll<number>().as("n")])
      .groupBy("job")
      .orderBy("job")
      .execute();
    return rows.map(({ job, n }) => `${job} ${n}`);
  };
  await sweep(harness, 1);
  expect(await left()).toEqual(["is_dead 60", "runs 60", "waits 60"]);
  rails.clock.advance(15 * DAY_MS);
  await sweep(harness, 1);
  expect(await left()).toEqual(["runs 60", "waits 60"]);
});

function deadLetter(job_id: string, key: string) {
  const why = { error: "failed", cause: "failed", attempts: 5, trace: "{}", died_at: 0 };
  return { job_id, key, name: "work", kind: "exec", payload: "null", ...why };
}

function recordedAnswer(job: string, position: number, nowMs: number) {
  return {
    job,
    position,
    request_hash: "hash",
    entry: "entry",
    status: 200,
    content_type: "application/json",
    body: "x".repeat(10_000),
    made_at: nowMs,
  };
}

test("breakers go that are as good as new, and no others", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  const row = {
    state: "closed" as const,
    failures: 0,
    until: null,
    cooldown_ms: 1,
    probe: null,
    reason: null,
  };
  const updated_at = rails.clock.nowMs();
  await rails.store.db
    .insertInto("breakers")
    .values([
      { ...row, name: "good", updated_at },
      { ...row, name: "ailing", failures: 1, updated_at },
      { ...row, name: "open", state: "open", until: updated_at, updated_at },
      { ...row, name: "lately", updated_at: updated_at + 50 * DAY_MS },
    ])
    .execute();
  rails.clock.advance(100 * DAY_MS);
  await sweep(harness);
  const names = await rails.store.db.selectFrom("breakers").select("name").orderBy("name").execute();
  expect(names.map(({ name }) => name)).toEqual(["ailing", "lately", "open"]);
});

test("pages go that were neither fetched nor confirmed for long", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  const fetched_at = rails.clock.nowMs();
  for (let page = 0; page < 10; page++)
    await rails.store.db
      .insertInto("http_cache")
      .values({
        ...{ url_hash: `page-${page}`, etag: "e", last_modified: null, content_type: "text/html" },
        ...{ body: Buffer.alloc(100), fetched_at: fetched_at + (page === 3 ? 95 * DAY_MS : 0) },
      })
      .execute();
  rails.clock.advance(100 * DAY_MS);
  await sweep(harness);
  expect(await rails.store.db.selectFrom("http_cache").select("url_hash").execute()).toEqual([
    { url_hash: "page-3" },
  ]);
});

test("ticks that retention has removed are counted once", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  const add = async (count: number) => {
    for (let tick = 0; tick < count; tick++)
      await harness.tick({ id: newId(rails.clock.nowMs() + tick), outcome: tick % 2 === 0 ? "idle" : "ok" });
  };
  await add(300);
  expect(await readTickTotals(rails.store.db, { isHeld: false })).toEqual({ idle: 150, ok: 150 });
  rails.clock.advance(100 * DAY_MS);
  await add(300);
  await sweep(harness);
  const { rows } = await sql<{ n: number }>`select count(*) as n from ticks`.execute(rails.store.db);
  expect(rows[0]?.n).toBeLessThan(600);
  expect(await readTickTotals(rails.store.db, { isHeld: false })).toEqual({ idle: 300, ok: 300 });
});

async function say({ store, outbox, clock }: RailsOn, event: AlertEvent, key: string): Promise<void> {
  clock.advance(1);
  await store.atomically((trx) =>
    outbox.announce(trx, { event, title: "t", message: "m", ...partsOf(event, key) }),
  );
}

async function keysOf({ store }: RailsOn, table: "jobs" | "alerts"): Promise<string[]> {
  return (await store.db.selectFrom(table).select("key").orderBy("key").execute()).map(({ key }) => key);
}

test("items that digests printed stay for 90 days, with what was said of them", async () => {
  const harness = await opsHarness();
  const { rails } = harness;
  const item = { key: "k", title: "t", link: null, source: "s", summary: "", publishedAt: null, score: null };
  const print = (id: string) =>
    rails.store.atomically((trx) =>
      savePrinted(trx, { name: "digest", label: "l" }, [{ ...item, id }], rails.clock.nowMs()),
    );
  await print("old");
  rails.clock.advance(60 * DAY_MS);
  await print("new");
  await sweep(harness, 1);
  const kept = async () => {
    const query = { jobs: null, fromMs: 0, untilMs: rails.clock.nowMs() + 1 };
    return (await readPrinted(rails.store.db, query)).map(({ id }) => id);
  };
  expect(await kept()).toEqual(["new", "old"]);
  rails.clock.advance(40 * DAY_MS);
  await sweep(harness, 1);
  expect(await kept()).toEqual(["new"]);
});
