import { describe, expect, it } from "vitest";
import { IDLE_MS } from "../../src/lib/clock.ts";
import {
  type Counted,
  countStep,
  type Look,
  stepsToSleep,
  WEDGE_LIMITS,
  type WedgeLimits,
} from "../../src/runner/wedge-steps.ts";

const LIMITS: WedgeLimits = {
  stepMs: 500,
  idleSteps: 1,
  killStepsMax: 3,
  pagerStepsMax: 6,
  silentStepsMax: 4,
};

describe("a silent main thread", () => {
  it("is wedged after so many looks without a pulse, and not one earlier", () => {
    expect(verdicts(silent(4))).toEqual([null, null, null, "its event loop stood still for 2 s"]);
  });

  it("starts anew with each pulse, also with one that wraps around", () => {
    const looks = [...silent(3), { ...QUIET, pulse: 2 }, ...silent(3, 2), { ...QUIET, pulse: -(2 ** 31) }];
    expect(new Set(verdicts(looks))).toEqual(new Set([null]));
  });
});

describe("a set kill switch", () => {
  it("gives work that goes on its grace, whatever the pulse says", () => {
    expect(verdicts(beating(3, { isAtWork: true, kill: "the file" }))).toEqual([
      null,
      null,
      "it was still there 1.5 s after the file",
    ]);
  });

  it("gives the pager of a stopped agent more, but not for ever", () => {
    const told = verdicts(beating(6, { isAtWork: false, kill: "the file" }));
    expect(told.slice(0, 5)).toEqual([null, null, null, null, null]);
    expect(told[5]).toContain("3 s after the file");
  });

  it("does not charge the work with what the pager took before it", () => {
    const paging = beating(5, { isAtWork: false, kill: "the file" });
    const working = beating(2, { isAtWork: true, kill: "the file" }, 6);
    expect(new Set(verdicts([...paging, ...working]))).toEqual(new Set([null]));
  });

  it("is forgotten when it is cleared in between", () => {
    const set = { isAtWork: true, kill: "the file" };
    const looks = [...beating(2, set), ...beating(1, { ...set, kill: null }, 3), ...beating(2, set, 4)];
    expect(new Set(verdicts(looks))).toEqual(new Set([null]));
  });
});

describe("a guard with nothing to watch but a process that idles", () => {
  const idle: Counted = { pulse: 1, isAtWork: false, silentSteps: 0, killSteps: 0 };

  it("looks seldom, and closely at all that might have to end", () => {
    expect(stepsToSleep(idle, false, WEDGE_LIMITS)).toBe(WEDGE_LIMITS.idleSteps);
    expect(stepsToSleep(idle, true, WEDGE_LIMITS)).toBe(1);
    expect(stepsToSleep({ ...idle, silentSteps: 10 }, false, WEDGE_LIMITS)).toBe(1);
    expect(stepsToSleep({ ...idle, killSteps: 1 }, false, WEDGE_LIMITS)).toBe(1);
  });

  it("kills one that has fallen silent within fifteen seconds, in which it looked more than once", () => {
    let counted = idle;
    let sleptSteps = WEDGE_LIMITS.idleSteps;
    let looks = 0;
    for (let wedged: string | null = null; wedged === null; looks++) {
      const steps = stepsToSleep(counted, false, WEDGE_LIMITS);
      ({ counted, wedged } = countStep(
        counted,
        { pulse: 1, isAtWork: false, kill: null },
        WEDGE_LIMITS,
        steps,
      ));
      sleptSteps += steps;
    }
    expect(sleptSteps * WEDGE_LIMITS.stepMs).toBeLessThanOrEqual(15_000);
    expect(looks).toBeGreaterThan(5);
  });

  it("has had several pulses of one that is well when it looks", () => {
    expect(WEDGE_LIMITS.idleSteps * WEDGE_LIMITS.stepMs).toBeGreaterThan(3 * IDLE_MS);
  });
});

it("kills within ten seconds of silence and five of a kill", () => {
  expect(WEDGE_LIMITS.silentStepsMax * WEDGE_LIMITS.stepMs).toBe(10_000);
  expect(WEDGE_LIMITS.killStepsMax * WEDGE_LIMITS.stepMs).toBe(5_000);
});

const QUIET: Look = { pulse: 1, isAtWork: true, kill: null };

function silent(count: number, pulse = 1): Look[] {
  return Array.from({ length: count }, () => ({ ...QUIET, pulse }));
}

/** Looks at a main thread whose pulse goes on. */
function beating(count: number, look: Omit<Look, "pulse">, from = 1): Look[] {
  return Array.from({ length: count }, (_, n) => ({ ...look, pulse: from + n + 1 }));
}

function verdicts(looks: Look[]): (string | null)[] {
  let counted: Counted = { pulse: 1, isAtWork: looks[0]!.isAtWork, silentSteps: 0, killSteps: 0 };
  return looks.map((look) => {
    const step = countStep(counted, look, LIMITS);
    counted = step.counted;
    return step.wedged;
  });
}
