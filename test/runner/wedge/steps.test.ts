import { describe, expect, it } from "vitest";
import { IDLE_MS } from "../../../src/lib/clock.ts";
import {
  type Counted,
  countStep,
  GATEWAY_LIMITS,
  type Observation,
  WEDGE_LIMITS,
  type WedgeLimits,
} from "../../../src/runner/wedge/steps.ts";

const LIMITS: WedgeLimits = {
  stepMs: 500,
  livenessMs: 500,
  killStepsMax: 3,
  alertStepsMax: 6,
  silentStepsMax: 4,
};

describe("a silent main thread", () => {
  it("is wedged after so many observations without liveness, and not one earlier", () => {
    expect(verdicts(silent(4))).toEqual([null, null, null, "its event loop stood still for 2 s"]);
  });

  it("starts anew with each sign of liveness, also with one that wraps around", () => {
    const observations = [
      ...silent(3),
      { ...QUIET, liveness: 2 },
      ...silent(3, 2),
      { ...QUIET, liveness: -(2 ** 31) },
    ];
    expect(new Set(verdicts(observations))).toEqual(new Set([null]));
  });
});

describe("a set kill switch", () => {
  it("gives work that goes on its grace, however lively it is", () => {
    expect(verdicts(live(3, { isAtWork: true, kill: "the file" }))).toEqual([
      null,
      null,
      "it was still there 1.5 s after the file",
    ]);
  });

  it("gives the alerts of a stopped agent more, but not for ever", () => {
    const told = verdicts(live(6, { isAtWork: false, kill: "the file" }));
    expect(told.slice(0, 5)).toEqual([null, null, null, null, null]);
    expect(told[5]).toContain("3 s after the file");
  });

  it("does not charge the work with what the alerts took before it", () => {
    const alerting = live(5, { isAtWork: false, kill: "the file" });
    const working = live(2, { isAtWork: true, kill: "the file" }, 6);
    expect(new Set(verdicts([...alerting, ...working]))).toEqual(new Set([null]));
  });

  it("is forgotten when it is cleared in between", () => {
    const set = { isAtWork: true, kill: "the file" };
    const observations = [...live(2, set), ...live(1, { ...set, kill: null }, 3), ...live(2, set, 4)];
    expect(new Set(verdicts(observations))).toEqual(new Set([null]));
  });
});

describe("a process that may stay up under a set switch", () => {
  const stays = { isAtWork: false, kill: "the file", mayStay: true };

  it("stays for as long as it answers and nothing is under way", () => {
    expect(new Set(verdicts(live(50, stays)))).toEqual(new Set([null]));
  });

  it("is wedged when what was under way does not end", () => {
    const told = verdicts(live(3, { ...stays, isAtWork: true }));
    expect(told).toEqual([null, null, "it was still there 1.5 s after the file"]);
  });

  it("is wedged when it does not answer, whatever it said last of what is under way", () => {
    const told = verdicts([1, 1, 1, 1].map((liveness) => ({ ...stays, liveness })));
    expect(told.slice(0, 3)).toEqual([null, null, "it was still there 1.5 s after the file"]);
  });

  it("is not charged with one observation that came between two signs of liveness", () => {
    const observations = [1, 1, 2, 2, 3, 3, 4, 4].map((liveness) => ({ ...stays, liveness }));
    expect(new Set(verdicts(observations))).toEqual(new Set([null]));
  });

  it("must end all the same when it is told to", () => {
    const told = verdicts(live(6, { ...stays, mayStay: false }));
    expect([told[4], told[5]]).toEqual([null, "it was still there 3 s after the file"]);
  });
});

it("kills within ten seconds of silence and five of a kill", () => {
  expect(WEDGE_LIMITS.silentStepsMax * WEDGE_LIMITS.stepMs).toBe(10_000);
  expect(WEDGE_LIMITS.killStepsMax * WEDGE_LIMITS.stepMs).toBe(5_000);
  expect(GATEWAY_LIMITS.alertStepsMax * GATEWAY_LIMITS.stepMs).toBe(10_000);
  // A process that idles has shown several signs of liveness by then.
  expect(WEDGE_LIMITS.livenessMs).toBe(IDLE_MS);
  expect(3 * IDLE_MS).toBeLessThan(10_000);
});

const QUIET: Observation = { liveness: 1, isAtWork: true, kill: null };

function silent(count: number, liveness = 1): Observation[] {
  return Array.from({ length: count }, () => ({ ...QUIET, liveness }));
}

/** Observations at a main thread that shows its liveness. */
function live(count: number, look: Omit<Observation, "liveness">, from = 1): Observation[] {
  return Array.from({ length: count }, (_, n) => ({ ...look, liveness: from + n + 1 }));
}

function verdicts(observations: Observation[]): (string | null)[] {
  let counted: Counted = { liveness: 1, isAtWork: observations[0]!.isAtWork, silentSteps: 0, killSteps: 0 };
  return observations.map((look) => {
    const step = countStep(counted, look, LIMITS);
    counted = step.counted;
    return step.wedged;
  });
}
