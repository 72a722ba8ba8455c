import { MINUTE_MS } from "../lib/durations.ts";
import type { Trx } from "../store/schema.ts";
import { moveBreaker, readBreaker } from "./breaker.ts";
import { admit, type BreakerState, probing, tripped } from "./breaker-state.ts";
import { type Reservation, type Reserved, reserve } from "./budget.ts";
import { budgetNow, readBudgetClock } from "./budget-time.ts";
import { BreakerOpen, CapReached, Killed } from "./halt.ts";
import { announceKill, readStopAtGate } from "./kill.ts";
import { refuseLost } from "./machine.ts";
import { readOpen } from "./periods.ts";
import type { Rails } from "./rails.ts";
import { findRunaway } from "./runaway.ts";

/** A probe that has said nothing for this long after its call's own deadline is given up for lost. */
const PROBE_MARGIN_MS = MINUTE_MS;

/** A call as the gates judge it: what it depends on, and what it may cost at most. */
export interface GatedCall extends Reservation {
  /** The breaker's name: `model:ollama/qwen2.5:3b`, `host:example.org`. */
  dependency: string;
  /**
   * The breaker of whoever asks (`client:laptop`), for a runaway of its own; where that is left out a runaway opens the
   * dependency's.
   */
  caller?: string;
}

/**
 * The order is the safety: stop first, fail fast second, spend last. All read and write in one immediate transaction, so
 * that no other process can slip in between, and nothing may be sent before it has committed. What is spent is marked as
 * sending in the same breath (budget.ts).
 *
 * @returns the reservation; its ledger entry is on disk as sending.
 * @throws Killed, MachineLost, BreakerOpen or CapReached; then nothing was reserved.
 */
export async function passGates(rails: Rails, call: GatedCall): Promise<Reserved> {
  const verdict = await rails.store.atomically(async (trx) => {
    // Looked at together, for a database that is asked over a network; judged in their order.
    const [kill, lost, state, reading, open] = await Promise.all([
      readStopAtGate(rails, trx),
      refuseLost(trx, rails, call),
      readBreaker(trx, call.dependency),
      readBudgetClock(trx),
      readOpen(trx),
    ]);
    // 1. Stop. A set kill switch refuses everything, whatever the rest would say.
    if (kill !== null) {
      await announceKill(trx, rails.outbox.announce, kill);
      return { refused: new Killed(kill) };
    }
    // In a fleet, whoever has lost its lease or its job is stopped as well.
    if (lost !== null) return { refused: lost };
    // 2. Fail fast. What is broken is not called, and costs no budget.
    const nowMs = rails.clock.nowMs();
    const admission = admit(state, nowMs);
    if (admission.type === "refuse" || admission.type === "blocked")
      return { refused: new BreakerOpen(call.dependency, admission, nowMs) };
    const times = {
      budgetMs: await budgetNow(trx, rails.outbox.announce, rails.clock, reading),
      wallMs: nowMs,
    };
    const runaway = await refuseRunaway(trx, rails, call, state, times);
    if (runaway !== null) return { refused: runaway };
    // 3. Spend. The worst case is taken from every window, or the call is not made.
    const reserved = await reserve(trx, rails, call, times, open);
    if ("refusal" in reserved) return { refused: new CapReached(reserved.refusal) };
    // The probe is claimed last: a call that the cap refuses must not use it up.
    if (admission.type === "probe") {
      const to = probing(state, reserved.entryId, nowMs, call.deadlineMs + PROBE_MARGIN_MS, rails.breaker);
      await moveBreaker(trx, rails, { name: call.dependency, from: state, to, nowMs });
    }
    return { reserved };
  });
  if ("refused" in verdict) throw verdict.refused;
  return verdict.reserved;
}

/** A burst or a loop opens the breaker of whoever asks, so that one client that runs away leaves the model to the others. */
async function refuseRunaway(
  trx: Trx,
  rails: Rails,
  call: GatedCall,
  dependencyState: BreakerState,
  times: { budgetMs: number; wallMs: number },
): Promise<BreakerOpen | null> {
  const name = call.caller ?? call.dependency;
  const nowMs = times.wallMs;
  const from = call.caller === undefined ? dependencyState : await readBreaker(trx, name);
  if (call.caller !== undefined) {
    const admission = admit(from, nowMs);
    if (admission.type === "refuse" || admission.type === "blocked")
      return new BreakerOpen(
        name,
        "reason" in from ? { ...admission, reason: from.reason } : admission,
        nowMs,
      );
  }
  const reason = await findRunaway(trx, call, rails.breaker, times);
  if (reason !== null) {
    const to = tripped(from, reason, nowMs, rails.breaker);
    await moveBreaker(trx, rails, { name, from, to, nowMs });
    return new BreakerOpen(name, call.caller === undefined ? { until: to.until } : to, nowMs);
  }
  if (call.caller !== undefined)
    await moveBreaker(trx, rails, { name, from, to: { state: "closed", failures: 0 }, nowMs });
  return null;
}
