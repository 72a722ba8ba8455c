import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  admit,
  afterFailure,
  afterSuccess,
  type BreakerState,
  probing,
} from "../../src/rails/breaker-state.ts";
import type { CallFailed } from "../../src/rails/call.ts";

const RULES = { failures: 3, cooldownMs: 1_000, maxCooldownMs: 6_000 };
const CLOSED: BreakerState = { state: "closed", failures: 0 };
const OPEN: BreakerState = { state: "open", until: 5_000, cooldownMs: 1_000, reason: "broken" };
const HALF_OPEN: BreakerState = { state: "half_open", until: 9_000, cooldownMs: 1_000, probe: "probe" };

const fail = (state: BreakerState, trip: CallFailed["trip"], nowMs = 0, callId = "call") =>
  afterFailure(state, callId, { trip, reason: "broken" }, nowMs, RULES);

describe("closed", () => {
  it("lets every call pass", () => {
    expect(admit(CLOSED, 0)).toEqual({ type: "pass" });
    expect(admit({ state: "closed", failures: 2 }, 0)).toEqual({ type: "pass" });
  });

  it("opens on the stated number of failures in a row, and not on one less", () => {
    const twice = fail(fail(CLOSED, "count"), "count");
    expect(twice).toEqual({ state: "closed", failures: 2 });
    expect(fail(twice, "count", 500)).toEqual({
      state: "open",
      until: 1_500,
      cooldownMs: 1_000,
      reason: "broken",
    });
  });

  it("starts to count anew after a success", () => {
    const recovered = afterSuccess(fail(fail(CLOSED, "count"), "count"), "call");
    expect(recovered).toEqual(CLOSED);
    expect(fail(fail(recovered, "count"), "count").state).toBe("closed");
  });

  it("opens at once when told so, and for as long as it is asked to", () => {
    expect(fail(CLOSED, "now", 10)).toMatchObject({ state: "open", until: 1_010, cooldownMs: 1_000 });
    expect(fail(CLOSED, { untilAfterMs: 77_000 }, 10)).toMatchObject({ state: "open", until: 77_010 });
  });

  it("is not moved by a failure that says nothing of health", () => {
    expect(fail({ state: "closed", failures: 2 }, "none")).toEqual({ state: "closed", failures: 2 });
  });
});

describe("open", () => {
  it.each([
    [4_999, { type: "refuse", until: 5_000 }],
    [5_000, { type: "probe" }],
    [5_001, { type: "probe" }],
  ])("at %i ms of 5,000 gives %j", (nowMs, admission) => {
    expect(admit(OPEN, nowMs)).toEqual(admission);
  });

  it("is over when its end is further ahead than any wait, since the clock was set back after it opened", () => {
    const until = 100 * 86_400_000;
    expect(admit({ ...OPEN, until }, 1_000)).toEqual({ type: "probe" });
    // As long as a provider may ask for, and as long as the cooldown, it is not called.
    const sixHours = 6 * 3_600_000;
    expect(admit({ ...OPEN, until: sixHours }, 0)).toMatchObject({ type: "refuse" });
    expect(admit({ ...OPEN, until, cooldownMs: until }, 0)).toMatchObject({ type: "refuse" });
  });

  it.each<[string, CallFailed["trip"]]>([
    ["a failure", "count"],
    ["a refused key", "now"],
    ["a 429", { untilAfterMs: 60_000 }],
    ["an abort", "none"],
  ])("is not moved by %s of a call that began before it opened", (_what, trip) => {
    expect(fail(OPEN, trip, 2_000)).toBe(OPEN);
  });

  it("is not closed by a late success", () => {
    expect(afterSuccess(OPEN, "call")).toBe(OPEN);
  });
});

describe("half open", () => {
  it("refuses all but the probe, until the probe is given up for lost", () => {
    expect(admit(HALF_OPEN, 8_999)).toEqual({ type: "refuse", until: 9_000 });
    expect(admit(HALF_OPEN, 9_000)).toEqual({ type: "probe" });
  });

  it("keeps the cooldown that it came with", () => {
    const reopened: BreakerState = { ...OPEN, state: "open", cooldownMs: 4_000 };
    expect(probing(reopened, "probe", 5_000, 700, RULES)).toEqual({
      state: "half_open",
      until: 5_700,
      cooldownMs: 4_000,
      probe: "probe",
    });
  });

  it("closes when its probe succeeds, and for nobody else's success", () => {
    expect(afterSuccess(HALF_OPEN, "probe")).toEqual(CLOSED);
    expect(afterSuccess(HALF_OPEN, "call")).toBe(HALF_OPEN);
  });

  it("opens for twice as long when its probe fails, up to the limit", () => {
    let state: BreakerState = HALF_OPEN;
    const waits: number[] = [];
    for (let n = 0; n < 5; n++) {
      const opened = fail(state, "count", 10_000, "probe");
      if (opened.state !== "open") throw new Error(opened.state);
      waits.push(opened.until - 10_000);
      state = probing(opened, "probe", 10_000, 100, RULES);
    }
    expect(waits).toEqual([2_000, 4_000, 6_000, 6_000, 6_000]);
  });

  it("waits for as long as a 429 to its probe says, and twice as long after that", () => {
    const opened = fail(HALF_OPEN, { untilAfterMs: 30 }, 10_000, "probe");
    expect(opened).toMatchObject({ state: "open", until: 10_030, cooldownMs: 2_000 });
  });

  it("is not moved by anybody else's failure", () => {
    expect(fail(HALF_OPEN, "count", 10_000)).toBe(HALF_OPEN);
    expect(fail(HALF_OPEN, "now", 10_000)).toBe(HALF_OPEN);
  });

  it("gives the probe back at once, with its cooldown, when it was our own abort", () => {
    const given = fail(HALF_OPEN, "none", 6_000, "probe");
    expect(given).toMatchObject({ state: "open", until: 6_000, cooldownMs: 1_000 });
    expect(admit(given, 6_000)).toEqual({ type: "probe" });
  });

  it("counts failures from nothing again after a good probe", () => {
    const closed = afterSuccess(HALF_OPEN, "probe");
    expect(fail(closed, "count")).toEqual({ state: "closed", failures: 1 });
  });
});

describe("whatever happens", () => {
  type Step = { ms: number; outcome: "good" | CallFailed["trip"] | "not yet" };
  const steps = fc.array(
    fc.record<Step>({
      ms: fc.nat(4_000),
      outcome: fc.constantFrom<Step["outcome"]>(
        "good",
        "count",
        "now",
        "none",
        { untilAfterMs: 500 },
        "not yet",
      ),
    }),
    { maxLength: 60 },
  );

  it("a probe lets nothing past it, and it is never open beyond its limit", () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let state: BreakerState = CLOSED;
        let nowMs = 0;
        const underWay: string[] = [];
        for (const [index, { ms, outcome }] of sequence.entries()) {
          nowMs += ms;
          const callId = `call-${index}`;
          const admission = admit(state, nowMs);
          if (admission.type === "pass") expect(state.state).toBe("closed");
          if (admission.type === "probe") {
            state = probing(state, callId, nowMs, 1_500, RULES);
            expect(admit(state, nowMs)).toEqual({ type: "refuse", until: nowMs + 1_500 });
          }
          if (admission.type === "refuse") expect(admission.until).toBeGreaterThan(nowMs);
          else underWay.push(callId);
          const over = outcome === "not yet" ? undefined : underWay.shift();
          if (over === undefined || outcome === "not yet") continue;
          const before = state;
          state = outcome === "good" ? afterSuccess(state, over) : fail(state, outcome, nowMs, over);
          if (state.state === "open") expect(state.until).toBeLessThanOrEqual(nowMs + RULES.maxCooldownMs);
          if (state.state === "closed") expect(state.failures).toBeLessThan(RULES.failures);
          if (before.state === "half_open" && before.probe !== over) expect(state).toBe(before);
        }
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});
