import { uptime } from "node:os";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { IDLE_MS, idlePause, pause, systemClock, toIso } from "../../src/lib/clock.ts";

describe("the system's clock", () => {
  test("tells milliseconds since the epoch", () => {
    const before = Date.now();
    const now = systemClock.nowMs();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });

  test("tells an uptime in whole milliseconds that does not go back", () => {
    const first = systemClock.uptimeMs();
    const second = systemClock.uptimeMs();
    expect(Number.isSafeInteger(first)).toBe(true);
    expect(second).toBeGreaterThanOrEqual(first);
  });

  test("tells the uptime that the system tells, also after the wall clock was set", () => {
    onTestFinished(() => void vi.useRealTimers());
    for (const jumpMs of [0, 3_600_000, -3_600_000]) {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + jumpMs });
      for (let n = 0; n < 3; n++)
        expect(Math.abs(systemClock.uptimeMs() - uptime() * 1_000)).toBeLessThan(1_000);
    }
  });

  test("tells the same boot each time", () => {
    expect(systemClock.bootId()).not.toBe("");
    expect(systemClock.bootId()).toBe(systemClock.bootId());
  });

  test("sleeps", async () => {
    await systemClock.sleep(1);
    await systemClock.sleep(0, new AbortController().signal);
  });

  test("does not begin to sleep when the signal has aborted, and gives its reason", async () => {
    const reason = new Error("stop");
    await expect(systemClock.sleep(3_600_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test("wakes when the signal aborts, and gives its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const sleeping = systemClock.sleep(3_600_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });
});

test("an instant is shown as ISO 8601 in UTC", () => {
  expect(toIso(0)).toBe("1970-01-01T00:00:00.000Z");
  expect(toIso(Date.UTC(2026, 10, 21, 10, 4, 5, 6))).toBe("2026-11-21T10:04:05.006Z");
});

describe("a pause", () => {
  test("is over by itself", async () => {
    await pause(1).over;
  });

  test("is over when it is ended, and stays so", async () => {
    const long = pause(3_600_000);
    expect(long.ms).toBe(3_600_000);
    long.end();
    long.end();
    await long.over;
  });
});

describe("those who idle", () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

  test("share one timer, and leave none behind when the last of them is woken early", async () => {
    const before = timers();
    const naps = [idlePause(), idlePause(), idlePause()];
    expect(timers()).toBe(before + 1);
    for (const nap of naps) nap.end();
    expect(timers()).toBe(before);
    await Promise.all(naps.map(({ over }) => over));
  });

  test("are woken at the same time, whenever each of them has begun", async () => {
    const began = performance.now();
    const naps = [idlePause()];
    await pause(100).over;
    naps.push(idlePause());
    const order: string[] = [];
    setTimeout(() => order.push("in the next turn"), IDLE_MS - 50);
    await Promise.all(naps.map(async ({ over }) => order.push(await over.then(() => "woken"))));
    expect(order).toEqual(["woken", "woken"]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(IDLE_MS - 1);
  });

  test("wake when the signal aborts, and get its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const idling = systemClock.idle(controller.signal);
    controller.abort(reason);
    await expect(idling).rejects.toBe(reason);
    await expect(systemClock.idle(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
