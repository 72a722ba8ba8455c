import { expect, it } from "vitest";
import { readBreaker } from "../../src/rails/breaker.ts";
import { CallFailed } from "../../src/rails/call.ts";
import { guard } from "../../src/rails/guard.ts";
import { BreakerOpen } from "../../src/rails/halt.ts";
import { alerts, entries, guardedCall, testRails, thrown } from "../support/rails.ts";
import type { RailsOn } from "../support/rails-on.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const call = (rails: RailsOn, more: Parameters<typeof guardedCall>[1] = {}) =>
  guard(rails, guardedCall(rails, more));
const breaker = (rails: RailsOn, name = "model:openai/test") => readBreaker(rails.store.db, name);

it("leaves a model alone after a burst of calls, and says which limit it was", async () => {
  const rails = await testRails({ breaker: { callsPerMinute: 3 } });
  for (let n = 0; n < 3; n++) await call(rails);
  expect(await thrown(call(rails))).toMatchObject({ code: "breaker_open", retry: { afterMs: 5 * MINUTE } });
  expect(await entries(rails)).toHaveLength(3);
  const [alert] = await alerts(rails);
  expect(alert).toMatchObject({ event: "breaker_open" });
  expect(alert?.message).toContain("breaker.calls_per_minute");
});

it("counts calls of a burst that cost nothing since they were released", async () => {
  const rails = await testRails({ breaker: { callsPerMinute: 3 } });
  const perform = () =>
    Promise.reject(new CallFailed("refused", { charge: "none", trip: "none", cause: undefined }));
  for (let n = 0; n < 3; n++) expect(await thrown(call(rails, { perform }))).toBeInstanceOf(CallFailed);
  expect((await entries(rails)).map(({ state }) => state)).toEqual(["released", "released", "released"]);
  expect(await thrown(call(rails))).toBeInstanceOf(BreakerOpen);
});

it("lets the same calls pass when they take their time, and those of other models", async () => {
  const rails = await testRails({ breaker: { callsPerMinute: 3 } });
  for (let n = 0; n < 12; n++) {
    await call(rails);
    rails.clock.advance(20_000);
  }
  for (let n = 0; n < 2; n++) await call(rails, { model: "openai/other", dependency: "model:openai/other" });
  expect(await alerts(rails)).toEqual([]);
});

it("breaks a loop of the very same request, well or badly answered", async () => {
  const rails = await testRails({ breaker: { sameRequestPerHour: 3 } });
  for (let n = 0; n < 3; n++) {
    await call(rails, { requestHash: "same" });
    await call(rails, { requestHash: `other-${n}` });
    rails.clock.advance(MINUTE);
  }
  expect(await thrown(call(rails, { requestHash: "same" }))).toBeInstanceOf(BreakerOpen);
  expect(await breaker(rails)).toMatchObject({
    state: "open",
    reason: expect.stringContaining("3 times in an hour"),
  });
  rails.clock.advance(HOUR);
  expect(await call(rails, { requestHash: "same" })).toBe("text");
  expect(await breaker(rails)).toEqual({ state: "closed", failures: 0 });
});

it("waits twice as long each time the loop goes on, says for how long, and tells of it once", async () => {
  const rails = await testRails({ breaker: { sameRequestPerHour: 2 } });
  for (let n = 0; n < 2; n++) await call(rails, { requestHash: "same" });
  const waits: number[] = [];
  for (let n = 0; n < 3; n++) {
    const refusal = (await thrown(call(rails, { requestHash: "same" }))) as BreakerOpen;
    const { afterMs } = refusal.retry as { afterMs: number };
    const state = await breaker(rails);
    expect(state).toMatchObject({ state: "open", until: rails.clock.nowMs() + afterMs });
    waits.push(afterMs / MINUTE);
    rails.clock.advance(afterMs);
  }
  expect(waits).toEqual([5, 10, 20]);
  expect(await alerts(rails, "breaker_open")).toHaveLength(1);
});

it("stops a burst of spending before the call that would go over it, and never one that is free", async () => {
  const rails = await testRails({ breaker: { spendPerFiveMinutesMicros: 2_000 } });
  for (let n = 0; n < 2; n++)
    await call(rails, {
      perform: async () => ({ costMicros: 1_000, inputTokens: 1, outputTokens: 1, value: "text" }),
    });
  const free = { model: "ollama/test", dependency: "model:ollama/test", estimateMicros: 0 };
  const perform = async () => ({ costMicros: 0, inputTokens: 1, outputTokens: 1, value: "free" });
  expect(await call(rails, { ...free, perform })).toBe("free");
  expect(await thrown(call(rails, { estimateMicros: 1 }))).toBeInstanceOf(BreakerOpen);
  rails.clock.advance(6 * MINUTE);
  expect(await call(rails)).toBe("text");
});

it.each([
  ["forward", 3 * HOUR],
  ["back", -3 * HOUR],
])("sees a burst of spending through a clock that was set %s", async (_name, ms) => {
  const rails = await testRails({ breaker: { spendPerFiveMinutesMicros: 1_500 } });
  await call(rails, {
    perform: async () => ({ costMicros: 1_000, inputTokens: 1, outputTokens: 1, value: "text" }),
  });
  rails.clock.jump(ms);
  expect(await thrown(call(rails))).toBeInstanceOf(BreakerOpen);
});
