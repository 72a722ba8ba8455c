import { describe, expect, test } from "vitest";
import type { AlertPayload } from "../../src/alerts/events.ts";
import { createOutbox, type Notice, type OutboxOptions } from "../../src/alerts/outbox.ts";
import type { Fields, Log } from "../../src/lib/log.ts";
import { createRedactor } from "../../src/lib/redact.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type TestStore, testStore } from "../support/store.ts";

const NOTICE: Notice = {
  event: "cap_hit",
  title: "The day cap is reached",
  message: "A call was refused.",
  subject: "day",
  occurrence: "2026-11-21",
  window: "day",
  period: "2026-11-21",
};

const KEY = "cap_hit:day:2026-11-21";

async function outboxHarness(options: Partial<OutboxOptions> = {}, open?: TestStore) {
  const store = open ?? (await testStore());
  const lines: Fields[] = [];
  const log: Log = {
    event: (level, event, fields) => void lines.push({ level, event, ...fields }),
    child: () => log,
  };
  const given: AlertPayload[] = [];
  const clock = fakeClock();
  const redact = (text: string) => text;
  const onAlert = (alert: AlertPayload) => void given.push(alert);
  return {
    store,
    lines,
    given,
    clock,
    outbox: createOutbox({ agent: "test", timezone: "UTC", clock, log, redact, onAlert, ...options }),
    rows: () => store.db.selectFrom("alerts").selectAll().orderBy("id").execute(),
  };
}

describe("an alert", () => {
  test("is on disk with who, when and how bad, once its transaction has committed", async () => {
    const { outbox, rows, clock, store } = await outboxHarness();
    await store.atomically((trx) => outbox.announce(trx, NOTICE));
    const [row, ...others] = await rows();
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      key: KEY,
      event: "cap_hit",
      severity: "warn",
      created_at: clock.nowMs(),
    });
    const { subject, occurrence, ...told } = NOTICE;
    expect(row).toMatchObject({ subject, occurrence });
    expect(JSON.parse(row!.payload)).toEqual({
      version: 1,
      date: "2026-11-21",
      time: "10:00",
      agent: "test",
      severity: "warn",
      ts: "2026-11-21T10:00:00.000Z",
      ...told,
      key: KEY,
    });
  });

  test("commits with what it tells of", async () => {
    const { outbox, rows, store } = await outboxHarness();
    await store.atomically(async (trx) => {
      await trx.insertInto("host_limits").values({ host: "a.example", next_at: 1 }).execute();
      await outbox.announce(trx, NOTICE);
    });
    expect(await rows()).toHaveLength(1);
    expect(await store.db.selectFrom("host_limits").selectAll().execute()).toHaveLength(1);
  });

  test("is nowhere when the work throws: not on disk, not in the log, not given to the listener", async () => {
    const { outbox, rows, lines, given, store } = await outboxHarness();
    const work = store.atomically(async (trx) => {
      await outbox.announce(trx, NOTICE);
      throw new Error("the work failed");
    });
    await expect(work).rejects.toThrow("the work failed");
    expect(await rows()).toEqual([]);
    expect(lines).toEqual([]);
    expect(given).toEqual([]);
  });

  test("is neither logged nor given away before its transaction has committed", async () => {
    const { outbox, lines, given, store } = await outboxHarness();
    await store.atomically(async (trx) => {
      await outbox.announce(trx, NOTICE);
      expect(lines).toEqual([]);
      expect(given).toEqual([]);
    });
    expect(lines).toHaveLength(1);
    expect(given).toHaveLength(1);
  });

  test("leaves what its transaction gives as it is", async () => {
    const { store } = await outboxHarness();
    expect(await store.atomically(async () => 42)).toBe(42);
  });
});

describe("the same key twice", () => {
  test("is one alert, given to the listener once, and logged each time", async () => {
    const { outbox, rows, lines, given, store } = await outboxHarness();
    const announceIt = () => store.atomically((trx) => outbox.announce(trx, NOTICE));
    await announceIt();
    await announceIt();
    expect(await rows()).toHaveLength(1);
    expect(given.map(({ key }) => key)).toEqual([KEY]);
    expect(lines.map(({ event, alerted }) => ({ event, alerted }))).toEqual([
      { event: "cap_hit", alerted: true },
      { event: "cap_hit", alerted: false },
    ]);
  });

  test("keeps what the first one said", async () => {
    const { outbox, rows, store } = await outboxHarness();
    await store.atomically((trx) => outbox.announce(trx, NOTICE));
    await store.atomically((trx) => outbox.announce(trx, { ...NOTICE, message: "Something else." }));
    expect(JSON.parse((await rows())[0]!.payload).message).toBe("A call was refused.");
  });

  test("in one transaction is one alert too", async () => {
    const { outbox, rows, given, store } = await outboxHarness();
    await store.atomically(async (trx) => {
      await outbox.announce(trx, NOTICE);
      await outbox.announce(trx, NOTICE);
    });
    expect(await rows()).toHaveLength(1);
    expect(given).toHaveLength(1);
  });

  test("is logged the first time only when its repeats are quiet", async () => {
    const { outbox, rows, lines, given, store } = await outboxHarness();
    for (let time = 0; time < 3; time++) {
      await store.atomically((trx) => outbox.announce(trx, NOTICE, "quiet"));
    }
    expect(await rows()).toHaveLength(1);
    expect(lines).toHaveLength(1);
    expect(given).toHaveLength(1);
  });

  test("after a first time that did not commit is new", async () => {
    const { outbox, rows, given, store } = await outboxHarness();
    const failed = store.atomically(async (trx) => {
      await outbox.announce(trx, NOTICE);
      throw new Error("the work failed");
    });
    await expect(failed).rejects.toThrow();
    await store.atomically((trx) => outbox.announce(trx, NOTICE));
    expect(await rows()).toHaveLength(1);
    expect(given).toHaveLength(1);
  });

  test("of two agents on one database is one alert", async () => {
    const first = await outboxHarness();
    const second = await outboxHarness({}, await testStore(first.store.path));
    await first.store.atomically((trx) => first.outbox.announce(trx, NOTICE));
    await second.store.atomically((trx) => second.outbox.announce(trx, NOTICE));
    expect(await first.rows()).toHaveLength(1);
    expect(second.given).toEqual([]);
  });
});

describe("the listener", () => {
  test("that throws is told of in the log, and changes nothing", async () => {
    const { outbox, rows, lines, store } = await outboxHarness({
      onAlert() {
        throw new Error("the listener is broken");
      },
    });
    const result = await store.atomically(async (trx) => {
      await outbox.announce(trx, NOTICE);
      await outbox.announce(trx, { ...NOTICE, occurrence: "second" });
      return "done";
    });
    expect(result).toBe("done");
    expect(await rows()).toHaveLength(2);
    expect(lines.map(({ event }) => event)).toEqual(["cap_hit", "alert_failed", "cap_hit", "alert_failed"]);
    expect(lines[1]).toMatchObject({
      level: "error",
      channel: "onAlert",
      key: KEY,
      error: "the listener is broken",
    });
  });

  test("that is async and rejects changes nothing either", async () => {
    const { outbox, rows, lines, store } = await outboxHarness({
      onAlert: async () => {
        throw new Error("the listener is broken");
      },
    });
    await store.atomically((trx) => outbox.announce(trx, NOTICE));
    expect(await rows()).toHaveLength(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines.map(({ event }) => event)).toEqual(["cap_hit", "alert_failed"]);
  });

  test("need not be there", async () => {
    const { outbox, rows, store } = await outboxHarness({ onAlert: undefined });
    await store.atomically((trx) => outbox.announce(trx, NOTICE));
    expect(await rows()).toHaveLength(1);
  });
});

test("secrets are taken out of title and message before anything is kept, logged or given away", async () => {
  const secret = "correct-horse-battery";
  const harness = await outboxHarness({ redact: createRedactor([secret]) });
  const notice = { ...NOTICE, title: `Key ${secret} failed`, message: `${secret} was refused.` };
  await harness.store.atomically((trx) => harness.outbox.announce(trx, notice));
  for (const kept of [await harness.rows(), harness.lines, harness.given]) {
    expect(JSON.stringify(kept)).not.toContain(secret);
    expect(JSON.stringify(kept)).toContain("[redacted] was refused.");
    expect(JSON.stringify(kept)).toContain("Key [redacted] failed");
  }
});

test("says in title and message when something was as people of its zone do, and leaves what is typed", async () => {
  const { store, outbox } = await outboxHarness({ timezone: "Europe/Berlin" });
  const key = "digest@2026-11-21T06:00:00.000Z";
  const told = {
    title: "No tick since 2026-11-20T23:30:00.000Z",
    message: `No call until 2026-11-21T10:05:00.000Z. Look: afk dead show ${key}; afk logs --since 2026-11-20T00:00:00.000Z`,
  };
  await store.atomically((trx) => outbox.announce(trx, { ...NOTICE, ...told }));
  const { payload } = await store.db.selectFrom("alerts").select("payload").executeTakeFirstOrThrow();
  expect(JSON.parse(payload)).toMatchObject({
    ts: "2026-11-21T10:00:00.000Z",
    date: "2026-11-21",
    time: "11:00",
    title: "No tick since Sat 21 Nov 00:30",
    message: `No call until Sat 21 Nov 11:05. Look: afk dead show ${key}; afk logs --since 2026-11-20T00:00:00.000Z`,
  });
});
