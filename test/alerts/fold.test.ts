// @module-tag slow
import { describe, expect, test } from "vitest";
import { deliverAlerts } from "../../src/alerts/deliver.ts";
import type { AlertPayload } from "../../src/alerts/events.ts";
import { newId } from "../../src/lib/ids.ts";
import type { Log } from "../../src/lib/log.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { testStore } from "../support/store.ts";
import { sampleChannel, samplePayload } from "./payload.ts";
import { type Answer, receiver } from "./receiver.ts";

const MINUTE = 60_000;

async function storm(answer: (n: number) => Answer = () => ({})) {
  const clock = fakeClock();
  const store = await testStore();
  const lines: Record<string, unknown>[] = [];
  const log: Log = {
    event: (level, event, fields) => lines.push({ level, event, ...fields }),
    child: () => log,
  };
  const { url, received } = await receiver((_request, n) => answer(n));
  const channels = [sampleChannel("webhook", url)];
  let count = 0;
  return {
    clock,
    lines,
    async alert(times: number, fields: Partial<AlertPayload> = {}) {
      for (let i = 0; i < times; i++) {
        count += 1;
        const payload = samplePayload({ key: `key-${count}`, title: `job ${count} gave up`, ...fields });
        const { key, event, severity } = payload;
        const row = { key, event, severity, payload: JSON.stringify(payload), created_at: clock.nowMs() };
        await store.db
          .insertInto("alerts")
          .values({ id: newId(clock.nowMs() + count), ...row })
          .execute();
      }
    },
    tick: (options: { timeoutMs?: number } = {}) =>
      deliverAlerts({
        store,
        channels,
        clock,
        log,
        signal: new AbortController().signal,
        ...options,
      }),
    messages: () => received.map(({ body }) => JSON.parse(body) as AlertPayload),
    rows: () => store.db.selectFrom("alert_deliveries").select(["state", "attempts"]).execute(),
  };
}

test("a storm that is gathered keeps no alert of another event waiting", async () => {
  const { alert, clock, tick, messages } = await storm();
  for (let times = 0; times < 5; times++) {
    clock.advance(1_000);
    await alert(1);
    await tick();
  }
  await alert(1_100);
  // Who gets them is decided for a thousand at a time.
  for (let times = 0; times < 2; times++) await tick();
  await alert(1, { event: "kill_set", key: "kill" });
  await tick();
  expect(messages().map(({ event }) => event)).toEqual([...Array(5).fill("cap_hit"), "kill_set"]);
});

describe("a storm of one event that waits", () => {
  test("is one message with a count, and each alert of it is sent", async () => {
    const { alert, tick, messages, lines, rows } = await storm();
    await alert(18);
    expect(await tick()).toEqual({ sent: 18, failed: 0, pending: 0 });
    const [message, ...more] = messages();
    expect(more).toEqual([]);
    expect(message).toMatchObject({
      title: "job 1 gave up (and 17 more like it)",
      key: "key-1+17:key-18",
      count: 18,
      keys: Array.from({ length: 18 }, (_, i) => `key-${i + 1}`),
    });
    expect(message?.message).toBe(
      "No model call was made.\nAnd 17 more like it until 2026-11-21T10:00Z: job 2 gave up; job 3 gave up; job 4 gave up; job 5 gave up; job 6 gave up; …. All: afk logs --event cap_hit",
    );
    expect(lines.map(({ event, key, folded }) => [event, key, folded])).toEqual(
      Array.from({ length: 18 }, (_, i) => ["alert_sent", `key-${i + 1}`, 18]),
    );
    expect((await rows()).every(({ state, attempts }) => state === "sent" && attempts === 1)).toBe(true);
  });

  test("leaves five of an event, and alerts of other events, as they are", async () => {
    const { alert, tick, messages } = await storm();
    await alert(5);
    await alert(7, { event: "job_dead" });
    await alert(1, { event: "overrun" });
    expect(await tick()).toMatchObject({ sent: 13 });
    expect(messages().map(({ event, count }) => [event, count])).toEqual([
      ...Array(5).fill(["cap_hit", undefined]),
      ["job_dead", 7],
      ["overrun", undefined],
    ]);
  });

  test("loses nothing when the receiver fails: it is tried again as one, with what came in the meantime", async () => {
    const { alert, tick, messages, clock, lines, rows } = await storm((n) => ({
      status: n === 1 ? 503 : 200,
    }));
    await alert(8);
    expect(await tick()).toEqual({ sent: 0, failed: 0, pending: 8 });
    expect(lines.filter(({ event }) => event === "alert_delayed")).toHaveLength(8);
    clock.advance(MINUTE);
    await alert(2);
    expect(await tick()).toEqual({ sent: 10, failed: 0, pending: 0 });
    expect(messages().map(({ count }) => count)).toEqual([8, 10]);
    expect((await rows()).every(({ state }) => state === "sent")).toBe(true);
  });

  test("is given up as a whole after five tries, each alert with its reason", async () => {
    const { alert, tick, clock, lines } = await storm(() => ({ status: 500 }));
    await alert(6);
    for (let i = 0; i < 5; i++) {
      await tick();
      clock.advance(24 * 60 * MINUTE);
    }
    expect(lines.filter(({ event }) => event === "alert_failed")).toHaveLength(6);
  });

  test("of a thousand is one message", async () => {
    const { alert, tick, messages } = await storm();
    await alert(1_000);
    expect(await tick()).toEqual({ sent: 1_000, failed: 0, pending: 0 });
    expect(messages()).toHaveLength(1);
  });
});

describe("a storm that goes on over ticks", () => {
  test("is told of five times at once, and from then on every quarter of an hour as one message", async () => {
    const { alert, tick, messages, clock } = await storm();
    for (let minute = 0; minute < 60; minute++) {
      await alert(1);
      await tick();
      clock.advance(MINUTE);
    }
    await tick();
    const counts = messages().map(({ count = 1 }) => count);
    expect(counts.slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
    expect(counts.length).toBeLessThanOrEqual(9);
    clock.advance(15 * MINUTE);
    await tick();
    // Nothing vanishes.
    expect(messages().reduce((sum, { count = 1 }) => sum + count, 0)).toBe(60);
  });

  test("holds up no other event", async () => {
    const { alert, tick, messages, clock } = await storm();
    for (let i = 0; i < 6; i++) {
      await alert(1);
      await tick();
      clock.advance(MINUTE);
    }
    expect(messages()).toHaveLength(5);
    await alert(1, { event: "overrun" });
    await tick();
    expect(messages().at(-1)?.event).toBe("overrun");
  });

  test("is over after a quiet hour", async () => {
    const { alert, tick, messages, clock } = await storm();
    for (let i = 0; i < 5; i++) {
      await alert(1);
      await tick();
      clock.advance(1);
    }
    clock.advance(61 * MINUTE);
    await alert(1);
    expect(await tick()).toMatchObject({ sent: 1 });
    expect(messages().at(-1)?.count).toBeUndefined();
  });
});
