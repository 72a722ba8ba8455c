import { HOUR_MS } from "../lib/durations.ts";
import { assertNever } from "../lib/errors.ts";
import type { CallFailed } from "./call.ts";

/**
 * The circuit breaker as a pure state machine (https://martinfowler.com/bliki/CircuitBreaker.html): what is broken is
 * not called for a while, then tried with exactly one call. Instants are epoch milliseconds.
 */
export type BreakerState =
  | { state: "closed"; failures: number }
  | { state: "open"; until: number; cooldownMs: number; reason: string }
  /** `until`: when the probe is given up for lost, its process having died. */
  | { state: "half_open"; until: number; cooldownMs: number; probe: string }
  /** No time heals it and no probe is made: a person clears it (resume.ts). */
  | { state: "blocked"; since: number; reason: string };

/** When a breaker opens, and for how long; the cooldown grows with each probe that fails, up to the longest. */
export interface BreakerRules {
  /** Failures in a row that open it. */
  failures: number;
  cooldownMs: number;
  maxCooldownMs: number;
}

/** A call passes, passes as the one probe, or is refused until `until`, or until a person clears it for `reason`. */
type Admission =
  | { type: "pass" }
  | { type: "probe" }
  | { type: "refuse"; until: number }
  | { type: "blocked"; reason: string };

/** Decides whether a call may go out now; changes nothing. */
export function admit(state: BreakerState, nowMs: number): Admission {
  switch (state.state) {
    case "closed":
      return { type: "pass" };
    case "open":
    case "half_open":
      return isOver(state, nowMs) ? { type: "probe" } : { type: "refuse", until: state.until };
    case "blocked":
      return { type: "blocked", reason: state.reason };
    default:
      return assertNever(state);
  }
}

/** As long as a provider may ask not to be called (providers/failures.ts). */
const ASKED_MAX_MS = 6 * HOUR_MS;

/** An end that is further ahead than any wait was written under a clock that has been set back since. */
function isOver({ until, cooldownMs }: { until: number; cooldownMs: number }, nowMs: number): boolean {
  return nowMs >= until || until - nowMs > Math.max(cooldownMs, ASKED_MAX_MS);
}

/** The state while `probe` is under way, to be given up for lost after `probeMs`. */
export function probing(
  state: BreakerState,
  probe: string,
  nowMs: number,
  probeMs: number,
  rules: BreakerRules,
): BreakerState {
  return {
    state: "half_open",
    until: nowMs + probeMs,
    cooldownMs: cooldownOf(state) ?? rules.cooldownMs,
    probe,
  };
}

function cooldownOf(state: BreakerState): number | null {
  return "cooldownMs" in state ? state.cooldownMs : null;
}

/** After a call that worked. In half-open only the probe's own word counts; an open breaker waits for its probe. */
export function afterSuccess(state: BreakerState, callId: string): BreakerState {
  if (state.state === "closed" || isProbe(state, callId)) return { state: "closed", failures: 0 };
  return state;
}

/** After a call that failed. A failed probe opens it for twice as long, to the limit. */
export function afterFailure(
  state: BreakerState,
  callId: string,
  failure: { trip: CallFailed["trip"]; reason: string },
  nowMs: number,
  rules: BreakerRules,
): BreakerState {
  if (isProbe(state, callId)) {
    const doubledMs = Math.min(rules.maxCooldownMs, state.cooldownMs * 2);
    // A refused request says nothing of health: the next call may probe at once.
    if (failure.trip === "none")
      return { state: "open", until: nowMs, cooldownMs: state.cooldownMs, reason: failure.reason };
    const waitMs = typeof failure.trip === "object" ? failure.trip.untilAfterMs : doubledMs;
    return { state: "open", until: nowMs + waitMs, cooldownMs: doubledMs, reason: failure.reason };
  }
  // A call that began before the breaker opened has nothing to add.
  if (state.state !== "closed" || failure.trip === "none") return state;
  const failures = state.failures + 1;
  if (failure.trip === "count" && failures < rules.failures) return { state: "closed", failures };
  const waitMs = typeof failure.trip === "object" ? failure.trip.untilAfterMs : rules.cooldownMs;
  return { state: "open", until: nowMs + waitMs, cooldownMs: rules.cooldownMs, reason: failure.reason };
}

/** Opened for a reason that is no failed call: a burst or a loop. Found so when a probe was due, twice as long. */
export function tripped(
  state: BreakerState,
  reason: string,
  nowMs: number,
  rules: BreakerRules,
): BreakerState & { state: "open" } {
  const beforeMs = cooldownOf(state);
  const cooldownMs = beforeMs === null ? rules.cooldownMs : Math.min(rules.maxCooldownMs, beforeMs * 2);
  return { state: "open", until: nowMs + cooldownMs, cooldownMs, reason };
}

/** After a call that cost more than its bound: what bounds the next one is no bound either. The first reason stays. */
export function blocked(state: BreakerState, reason: string, nowMs: number): BreakerState {
  return state.state === "blocked" ? state : { state: "blocked", since: nowMs, reason };
}

function isProbe(state: BreakerState, callId: string): state is BreakerState & { state: "half_open" } {
  return state.state === "half_open" && state.probe === callId;
}
