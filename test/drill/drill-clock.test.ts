import { expect, it } from "vitest";
import { createDrillClock } from "../../src/drill/drill-clock.ts";
import { dayIn } from "../../src/lib/days.ts";

it.each(["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/St_Johns"])(
  "stays in one day of %s for the three hours that a drill may take",
  (timezone) => {
    const clock = createDrillClock(timezone);
    const [day, uptimeMs, nowMs] = [dayIn(clock.nowMs(), timezone), clock.uptimeMs(), clock.nowMs()];
    clock.advance(3 * 3_600_000);
    expect(dayIn(clock.nowMs(), timezone)).toBe(day);
    // Together, or the budget would take it for a clock that was set.
    expect(clock.uptimeMs() - uptimeMs).toBe(clock.nowMs() - nowMs);
  },
);

it("moves by what is slept, and wakes for nobody who has left", async () => {
  const clock = createDrillClock("UTC");
  const before = clock.nowMs();
  await clock.sleep(5_000);
  expect(clock.nowMs()).toBe(before + 5_000);
  await expect(clock.sleep(5_000, AbortSignal.abort(new Error("left")))).rejects.toThrow("left");
});
