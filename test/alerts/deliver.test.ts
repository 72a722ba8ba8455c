// @module-tag processes
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ChannelConfig } from "../../src/alerts/channels/channel.ts";
import { channelId } from "../../src/alerts/channels/registry.ts";
import { type DeliverOptions, deliverAlerts } from "../../src/alerts/deliver.ts";
import type { AlertPayload } from "../../src/alerts/events.ts";
import { newId } from "../../src/lib/ids.ts";
import type { Log } from "../../src/lib/log.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { testStore } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { sampleChannel, samplePayload } from "./payload.ts";
import { receiver } from "./receiver.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

async function setUp() {
  const clock = fakeClock();
  const path = join(tempDir(), "afk.db");
  const store = await testStore(path);
  const lines: Record<string, unknown>[] = [];
  const log: Log = {
    event: (level, event, fields) => lines.push({ level, event, ...fields }),
    child: () => log,
  };
  const base = {
    store,
    clock,
    log,
    signal: new AbortController().signal,
    timeoutMs: 300,
    foldAbove: Number.POSITIVE_INFINITY,
  };
  return {
    clock,
    path,
    store,
    lines,
    events: () => lines.map((line) => line.event),
    deliver: (channels: ChannelConfig[], options: Partial<DeliverOptions> = {}) =>
      deliverAlerts({ ...base, channels, ...options }),
    alert: (fields: Partial<AlertPayload> = {}) => record(store, clock.nowMs(), fields),
    rows: () =>
      store.db.selectFrom("alert_deliveries").selectAll().orderBy("alert_id").orderBy("channel").execute(),
  };
}

let count = 0;
async function record(store: Store, nowMs: number, fields: Partial<AlertPayload>): Promise<string> {
  count += 1;
  const payload = samplePayload({ key: `key-${count}`, ...fields });
  const { key, event, severity } = payload;
  const id = newId(nowMs + count);
  const row = { id, key, event, severity, payload: JSON.stringify(payload), created_at: nowMs };
  await store.db.insertInto("alerts").values(row).execute();
  return id;
}

const keysOf = (received: { body: string }[]) => received.map(({ body }) => JSON.parse(body).key);

describe("what is sent", () => {
  test("each alert goes once to each channel, however many ticks come", async () => {
    const { deliver, alert, events, rows } = await setUp();
    const [one, two] = [await receiver(), await receiver()];
    const channels = [sampleChannel("webhook", one.url), sampleChannel("webhook", two.url)];
    await alert({ key: "a" });
    await alert({ key: "b" });
    expect(await deliver(channels)).toEqual({ sent: 4, failed: 0, pending: 0 });
    await alert({ key: "c" });
    expect(await deliver(channels)).toEqual({ sent: 2, failed: 0, pending: 0 });
    expect(await deliver(channels)).toEqual({ sent: 0, failed: 0, pending: 0 });
    expect(keysOf(one.received)).toEqual(["a", "b", "c"]);
    expect(keysOf(two.received)).toEqual(["a", "b", "c"]);
    expect(events()).toEqual(Array(6).fill("alert_sent"));
    expect(
      (await rows()).every((row) => row.state === "sent" && row.attempts === 1 && row.error === null),
    ).toBe(true);
  });

  test("a channel gets warnings and errors unless it names its events", async () => {
    const { deliver, alert } = await setUp();
    const [usual, picky] = [await receiver(), await receiver()];
    await alert({ key: "info", event: "breaker_closed", severity: "info" });
    await alert({ key: "warn", event: "cap_hit", severity: "warn" });
    await alert({ key: "error", event: "job_dead", severity: "error" });
    await deliver([
      sampleChannel("webhook", usual.url),
      sampleChannel("webhook", picky.url, { on: ["breaker_closed", "job_dead"] }),
    ]);
    expect(keysOf(usual.received)).toEqual(["warn", "error"]);
    expect(keysOf(picky.received)).toEqual(["info", "error"]);
  });

  test("a channel that is added later gets no old news", async () => {
    const { deliver, alert } = await setUp();
    const [old, added] = [await receiver(), await receiver()];
    await alert({ key: "a" });
    await deliver([sampleChannel("webhook", old.url)]);
    await alert({ key: "b" });
    await deliver([sampleChannel("webhook", old.url), sampleChannel("webhook", added.url)]);
    expect(keysOf(added.received)).toEqual(["b"]);
  });

  test("the first channel ever gets what happened before it was there", async () => {
    const { deliver, alert, clock } = await setUp();
    const { url, received } = await receiver();
    await alert({ key: "a" });
    await deliver([]);
    clock.advance(6 * DAY);
    await deliver([sampleChannel("webhook", url)]);
    expect(keysOf(received)).toEqual(["a"]);
  });

  test("neither the table nor the log holds an address", async () => {
    const { deliver, alert, rows, lines } = await setUp();
    const { url } = await receiver(() => ({ status: 500, body: "s3cr3t-path failed" }));
    const config = sampleChannel("webhook", `${url}/s3cr3t-path`);
    await alert();
    await deliver([config]);
    const all = JSON.stringify([await rows(), lines]);
    expect(all).not.toContain("s3cr3t");
    expect(all).toContain(channelId(config));
  });
});

describe("what fails", () => {
  test("is tried by later ticks, further and further apart, five times in all", async () => {
    const { deliver, alert, clock, lines, rows } = await setUp();
    const { url, received } = await receiver(() => ({ status: 500, body: "oops" }));
    const channels = [sampleChannel("webhook", url)];
    await alert();
    for (const waitMs of [MINUTE, 8 * MINUTE, 64 * MINUTE, 512 * MINUTE]) {
      const before = received.length;
      expect(await deliver(channels)).toEqual({ sent: 0, failed: 0, pending: 1 });
      clock.advance(waitMs - 1);
      await deliver(channels);
      expect(received).toHaveLength(before + 1);
      clock.advance(1);
    }
    expect(await deliver(channels)).toEqual({ sent: 0, failed: 1, pending: 0 });
    clock.advance(DAY);
    expect(await deliver(channels)).toEqual({ sent: 0, failed: 0, pending: 0 });
    expect(received).toHaveLength(5);
    expect(new Set(received.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(lines.at(-1)).toMatchObject({
      level: "error",
      event: "alert_failed",
      alert: "cap_hit",
      error: "HTTP 500: oops",
      attempts: 5,
    });
    expect(await rows()).toMatchObject([{ state: "failed", attempts: 5, error: "HTTP 500: oops" }]);
  });

  test("is sent when the receiver recovers", async () => {
    const { deliver, alert, clock, events, rows } = await setUp();
    const { url } = await receiver((_request, n) => ({ status: n < 3 ? 503 : 200 }));
    await alert();
    for (let i = 0; i < 3; i++) {
      await deliver([sampleChannel("webhook", url)]);
      clock.advance(DAY);
    }
    expect(events()).toEqual(["alert_delayed", "alert_delayed", "alert_sent"]);
    expect(await rows()).toMatchObject([{ state: "sent", attempts: 3, error: null }]);
  });

  test("waits as long as the service asks, and at most a day", async () => {
    const { deliver, alert, clock, received, channel } = await limited("3600");
    await alert();
    await deliver([channel]);
    clock.advance(3_600_000 - 1);
    await deliver([channel]);
    expect(received).toHaveLength(1);
    clock.advance(1);
    await deliver([channel]);
    expect(received).toHaveLength(2);

    const forever = await limited("9999999999");
    await forever.alert();
    await forever.deliver([forever.channel]);
    forever.clock.advance(DAY);
    await forever.deliver([forever.channel]);
    expect(forever.received).toHaveLength(2);
  });

  async function limited(retryAfter: string) {
    const { url, received } = await receiver(() => ({ status: 429, headers: { "retry-after": retryAfter } }));
    return { ...(await setUp()), received, channel: sampleChannel("webhook", url) };
  }

  test("keeps no other channel waiting: one hangs, one refuses, one lies, one gets it", async () => {
    const { deliver, alert, rows } = await setUp();
    const [hanging, gone, lying, good] = [
      await receiver(() => ({ hang: "before" })),
      await receiver(),
      await receiver(() => ({ status: 200, body: '{"ok":false}' })),
      await receiver(),
    ];
    await gone.stop();
    for (let i = 0; i < 10; i++) await alert();
    const channels = [
      sampleChannel("webhook", hanging.url),
      sampleChannel("webhook", gone.url),
      sampleChannel("telegram", `${lying.url}/bot1:x`),
      sampleChannel("webhook", good.url),
    ];
    expect(await deliver(channels)).toEqual({ sent: 10, failed: 0, pending: 30 });
    // A channel that is down is asked once, and its other alerts lose no attempt.
    expect(hanging.received).toHaveLength(1);
    expect((await rows()).filter((row) => row.state === "pending" && row.attempts > 0)).toHaveLength(3);
  });

  test("an alert that is refused for what it says does not hold up the next one", async () => {
    const { deliver, alert } = await setUp();
    const { url, received } = await receiver(({ body }) => ({
      status: JSON.parse(body).key === "bad" ? 400 : 200,
    }));
    await alert({ key: "bad" });
    await alert({ key: "good" });
    expect(await deliver([sampleChannel("webhook", url)])).toEqual({ sent: 1, failed: 0, pending: 1 });
    expect(keysOf(received)).toEqual(["bad", "good"]);
  });

  test("is given up after seven days with the reason, and not sent", async () => {
    const { deliver, alert, clock, lines, rows } = await setUp();
    const { url, received } = await receiver();
    await alert();
    clock.advance(7 * DAY + 1);
    expect(await deliver([sampleChannel("webhook", url)])).toEqual({ sent: 0, failed: 1, pending: 0 });
    expect(received).toHaveLength(0);
    expect(await rows()).toMatchObject([{ state: "failed", error: "not sent within 7 days" }]);
    expect(lines).toMatchObject([{ event: "alert_failed", error: "not sent within 7 days" }]);
  });

  test("for a channel that was removed is given up too", async () => {
    const { deliver, alert, clock, rows } = await setUp();
    const { url } = await receiver(() => ({ status: 500 }));
    await alert();
    await deliver([sampleChannel("webhook", url)]);
    expect(await deliver([])).toEqual({ sent: 0, failed: 0, pending: 1 });
    clock.advance(8 * DAY);
    expect(await deliver([])).toEqual({ sent: 0, failed: 1, pending: 0 });
    expect(await rows()).toMatchObject([{ error: "not sent within 7 days (last: HTTP 500)" }]);
  });

  test("is not waited for until the end of time when the clock is set back", async () => {
    const { deliver, alert, clock } = await setUp();
    const { url, received } = await receiver((_request, n) => ({ status: n === 1 ? 500 : 200 }));
    await alert();
    await deliver([sampleChannel("webhook", url)]);
    clock.jump(-365 * DAY);
    await deliver([sampleChannel("webhook", url)]);
    expect(received).toHaveLength(2);
  });
});

describe("crashes and other processes", () => {
  test("the attempt is on disk before the request is made, and no transaction is open during it", async () => {
    const { path, deliver, alert, clock } = await setUp();
    const other = await testStore(path);
    let during: unknown;
    const { url } = await receiver(async () => {
      during = await other.db
        .selectFrom("alert_deliveries")
        .select(["state", "attempts", "next_at"])
        .execute();
      // A write from another connection would wait for an open transaction to end.
      await other.atomically((trx) => trx.updateTable("kill_switch").set({ reason: null }).execute());
      return {};
    });
    await alert();
    await deliver([sampleChannel("webhook", url)]);
    expect(during).toEqual([{ state: "pending", attempts: 1, next_at: clock.nowMs() + MINUTE }]);
  });

  test("a try that a crash ended is made again with the same key, and the fifth is the last", async () => {
    const { deliver, alert, store, clock, rows } = await setUp();
    const { url, received } = await receiver();
    const config = sampleChannel("webhook", url);
    const crashed = {
      channel: channelId(config),
      state: "pending" as const,
      error: null,
      next_at: clock.nowMs(),
      updated_at: 0,
    };
    const fourth = await alert({ key: "fourth" });
    const fifth = await alert({ key: "fifth" });
    await store.db
      .insertInto("alert_deliveries")
      .values([
        { ...crashed, alert_id: fourth, attempts: 4 },
        { ...crashed, alert_id: fifth, attempts: 5 },
      ])
      .execute();
    expect(await deliver([config])).toEqual({ sent: 1, failed: 1, pending: 0 });
    expect(keysOf(received)).toEqual(["fourth"]);
    expect(await rows()).toMatchObject([
      { state: "sent", attempts: 5 },
      { state: "failed", attempts: 5, error: "the last try was broken off" },
    ]);
  });

  test("of several processes one sends each alert", async () => {
    const { path, alert, rows } = await setUp();
    const { url, received } = await receiver();
    for (let i = 0; i < 20; i++) await alert();
    const script = join(tempDir(), "deliver.ts");
    const source = (file: string) => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href);
    writeFileSync(
      script,
      `import { deliverAlerts } from ${source("alerts/deliver.ts")};
       import { systemClock } from ${source("lib/clock.ts")};
       import { silentLog } from ${source("lib/log.ts")};
       import { openStore } from ${source("store/sqlite/open.ts")};
       const store = await openStore(${JSON.stringify(path)});
       const clock = { ...systemClock, nowMs: () => Date.parse("2026-11-21T10:00:10Z") };
       const { signal } = new AbortController();
       process.once("message", async () => {
         await deliverAlerts({ store, channels: [${JSON.stringify(sampleChannel("webhook", url))}], clock, log: silentLog, signal, foldAbove: Infinity });
         process.exit();
       });
       process.send?.("ready");`,
    );
    const children = [1, 2, 3].map(() => fork(script));
    await Promise.all(children.map((child) => once(child, "message")));
    const exits = children.map((child) => once(child, "exit"));
    for (const child of children) child.send("go");
    expect((await Promise.all(exits)).map(([code]) => code)).toEqual([0, 0, 0]);
    expect((await rows()).map((row) => row.state)).toEqual(Array(20).fill("sent"));
    expect(keysOf(received).sort()).toEqual([...new Set(keysOf(received))].sort());
    expect(received).toHaveLength(20);
  });
});

describe("bounds", () => {
  test("a kill ends the run at once; what was not sent stays", async () => {
    const { deliver, alert } = await setUp();
    const kill = new AbortController();
    const { url, received } = await receiver((_request, n) => {
      if (n === 2) kill.abort();
      return n === 2 ? { hang: "before" } : {};
    });
    for (let i = 0; i < 5; i++) await alert();
    expect(await deliver([sampleChannel("webhook", url)], { signal: kill.signal })).toEqual({
      sent: 1,
      failed: 0,
      pending: 4,
    });
    expect(received).toHaveLength(2);
    expect(await deliver([sampleChannel("webhook", url)], { signal: kill.signal })).toMatchObject({
      sent: 0,
      pending: 4,
    });
    expect(received).toHaveLength(2);
  });

  test("the limit ends a run in the middle of a try", async () => {
    const { deliver, alert } = await setUp();
    const { url } = await receiver(() => ({ hang: "body", body: "x" }));
    await alert();
    const result = await deliver([sampleChannel("webhook", url)], { limitMs: 50, timeoutMs: 15_000 });
    expect(result).toEqual({ sent: 0, failed: 0, pending: 1 });
  });

  test("a run makes at most 200 deliveries, and the next goes on", async () => {
    const { deliver, alert } = await setUp();
    const [one, two] = [await receiver(), await receiver()];
    for (let i = 0; i < 120; i++) await alert();
    const channels = [sampleChannel("webhook", one.url), sampleChannel("webhook", two.url)];
    expect(await deliver(channels, { timeoutMs: 5_000 })).toEqual({ sent: 200, failed: 0, pending: 40 });
    expect(await deliver(channels, { timeoutMs: 5_000 })).toEqual({ sent: 40, failed: 0, pending: 0 });
  });
});
