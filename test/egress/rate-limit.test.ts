import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createRateLimit } from "../../src/egress/rate-limit.ts";
import { contentServer } from "../support/content-server.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp.ts";
import { rejection, testEgress, testStore, textOf } from "./harness.ts";

const START = Date.parse("2026-11-21T10:00:00Z");

/** A rate limit whose clock stands still, and how long each of its callers was told to wait. */
async function stillRateLimit(path?: string) {
  const { db } = await testStore(path);
  const waits: number[] = [];
  const clock = {
    ...fakeClock(START),
    sleep: async (ms: number) => {
      waits.push(ms);
    },
  };
  return { limit: createRateLimit(db, clock), waits, db };
}

describe("the slots of a host", () => {
  test("are an interval apart, and other hosts have their own", async () => {
    const { limit, waits } = await stillRateLimit();
    for (let i = 0; i < 3; i++) await limit.waitForSlot("a.test", 2000);
    await limit.waitForSlot("b.test", 2000);
    expect(waits).toEqual([2000, 4000]);
  });

  test("are given out once, to any number of processes on one database", async () => {
    const path = join(tempDir(), "afk.db");
    const processes = [await stillRateLimit(path), await stillRateLimit(path)];
    await Promise.all(
      processes.flatMap(({ limit }) => Array.from({ length: 20 }, () => limit.waitForSlot("a.test", 1000))),
    );
    const waits = processes.flatMap((process) => process.waits).sort((a, b) => a - b);
    expect(waits).toEqual(Array.from({ length: 39 }, (_, i) => (i + 1) * 1000));
  });

  test("are waited for up to a minute; beyond that the caller is sent away and no slot is taken", async () => {
    const { limit, waits, db } = await stillRateLimit();
    for (let i = 0; i < 3; i++) await limit.waitForSlot("a.test", 30_000);
    for (let i = 0; i < 2; i++) {
      expect(await rejection(limit.waitForSlot("a.test", 30_000))).toMatchObject({
        code: "egress_failed",
        retry: { afterMs: 90_000 },
        message: expect.stringContaining("2026-11-21T10:01:30.000Z"),
      });
    }
    expect(waits).toEqual([30_000, 60_000]);
    expect((await db.selectFrom("host_limits").selectAll().execute())[0]?.next_at).toBe(START + 90_000);
  });

  test("start anew when the clock that wrote them was far ahead", async () => {
    const { limit, waits, db } = await stillRateLimit();
    await db
      .insertInto("host_limits")
      .values({ host: "a.test", next_at: START + 400 * 24 * 3_600_000 })
      .execute();
    await limit.waitForSlot("a.test", 1000);
    await limit.waitForSlot("a.test", 1000);
    expect(waits).toEqual([1000]);
  });

  test("are not put forward by a shorter wait than the one that holds", async () => {
    const { limit } = await stillRateLimit();
    await limit.pushBack("a.test", 3_600_000);
    await limit.pushBack("a.test", 1_000);
    expect(await rejection(limit.waitForSlot("a.test", 1000))).toMatchObject({
      retry: { afterMs: 3_600_000 },
    });
  });

  test("of hosts that have been idle leave no rows", async () => {
    const { limit, db } = await stillRateLimit();
    await db
      .insertInto("host_limits")
      .values({ host: "old.test", next_at: START - 2 * 3_600_000 })
      .execute();
    await limit.waitForSlot("a.test", 1000);
    expect((await db.selectFrom("host_limits").select("host").execute()).map((row) => row.host)).toEqual([
      "a.test",
    ]);
  });

  test("are not taken by a caller that has been aborted", async () => {
    const { limit, db } = await stillRateLimit();
    await expect(limit.waitForSlot("a.test", 1000, AbortSignal.abort(new Error("killed")))).rejects.toThrow(
      "killed",
    );
    expect(await db.selectFrom("host_limits").selectAll().execute()).toEqual([]);
  });
});

describe("a fetch", () => {
  test("keeps the configured pace, robots.txt included, also after a restart", async () => {
    const site = await contentServer({ "/": "hello" });
    const path = join(tempDir(), "afk.db");
    const clock = fakeClock();
    const before = await testEgress({
      db: (await testStore(path)).db,
      clock,
      config: { requestsPerMinute: 30 },
    });
    await before.egress.fetch(site.origin);
    expect(clock.slept).toEqual([2000]);
    const after = await testEgress({
      db: (await testStore(path)).db,
      clock,
      config: { requestsPerMinute: 30 },
    });
    await after.egress.fetch(site.origin);
    expect(clock.slept).toEqual([2000, 2000]);
    clock.advance(10_000);
    await after.egress.fetch(site.origin);
    expect(clock.slept).toEqual([2000, 2000]);
  });

  test.each([
    ["5", 5, [5_000]],
    ["45", 45, [45_000]],
    ["86400", 30, [30_000]],
    ["0.1", 1, [1_000]],
  ])("keeps a Crawl-delay of %s s, to thirty seconds at most", async (delay, _seconds, slept) => {
    const site = await contentServer({ "/robots.txt": `user-agent: *\ncrawl-delay: ${delay}`, "/": "hello" });
    const { egress, clock } = await testEgress();
    await egress.fetch(site.origin);
    clock.slept.length = 0;
    await egress.fetch(site.origin);
    expect(clock.slept).toEqual(slept.map((ms) => Math.min(ms, 30_000)));
  });

  test.each([
    ["seconds", 429, { "retry-after": "120" }, 120_000],
    ["seconds", 503, { "retry-after": "90" }, 90_000],
    ["a date", 503, { "retry-after": "Sat, 21 Nov 2026 10:05:01 GMT" }, 300_000],
    ["a very long time", 429, { "retry-after": "99999999" }, 6 * 3_600_000],
    ["a time that has passed", 429, { "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT" }, 1_000],
    ["nothing in particular", 429, {}, 60_000],
    ["nonsense", 429, { "retry-after": "-5" }, 60_000],
    [
      "GitHub's reset",
      403,
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": `${START / 1000 + 601}` },
      600_000,
    ],
  ])(
    "that is told to wait by %s fails until then, and the host is not called",
    async (_name, status, headers, afterMs) => {
      const site = await contentServer({ "/": { status, headers } });
      const { egress, clock } = await testEgress();
      const error = await rejection(egress.fetch(site.origin));
      expect(error).toMatchObject({ code: "egress_failed", status, retry: { afterMs } });
      site.routes["/"] = "hello";
      if (afterMs > 60_000) {
        expect(await rejection(egress.fetch(site.origin))).toMatchObject({
          code: "egress_failed",
          retry: { afterMs },
        });
        expect(site.paths()).toEqual(["/"]);
      }
      clock.advance(afterMs);
      expect(textOf((await egress.fetch(site.origin)).body)).toBe("hello");
    },
  );

  test("that is answered 503 without a time is a plain failure", async () => {
    const site = await contentServer({ "/": { status: 503 } });
    const { egress } = await testEgress();
    expect(await rejection(egress.fetch(site.origin))).toMatchObject({ retry: "later", status: 503 });
  });
});
