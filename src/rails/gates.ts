import { MINUTE_MS } from "../lib/durations.ts";
import { moveBreaker, readBreaker } from "./breaker.ts";
import { admit, probing, tripped } from "./breaker-state.ts";
import { type Reservation, type Reserved, reserve } from "./budget.ts";
import { budgetNow } from "./budget-time.ts";
import { BreakerOpen, CapReached, Killed } from "./halt.ts";
import { announceKill, readStop } from "./kill.ts";
import type { Rails } from "./rails.ts";
import { findRunaway } from "./runaway.ts";

/** A probe that has said nothing for this long after its call's own deadline is given up for lost. */
const PROBE_MARGIN_MS = MINUTE_MS;

/** A call as the gates judge it: what it depends on, and what it may cost at most. */
export interface GatedCall extends Reservation {
  /** The breaker's name: `model:ollama/qwen2.5:3b`, `host:example.org`. */
  dependency: string;
}

/**
 * The order is the safety: stop first, fail fast second, spend last. All read and write in one immediate transaction, so
 * that no other process can slip in between, and nothing may be sent before it has committed. What is spent is marked as
 * sending in the same breath (budget.ts).
 *
 * @returns the reservation; its ledger entry is on disk as sending.
 * @throws Killed, BreakerOpen or CapReached; then nothing was reserved.
 */
export async function passGates(rails: Rails, call: GatedCall): Promise<Reserved> {
  const verdict = await rails.store.atomically(async (trx) => {
    // 1. Stop. A set kill switch refuses everything, whatever the rest would say.
    const kill = await readStop(rails, trx);
    if (kill !== null) {
      await announceKill(trx, rails.outbox.announce, kill);
      return { refused: new Killed(kill) };
    }
    // 2. Fail fast. What is broken is not called, and costs no budget.
    const nowMs = rails.clock.nowMs();
    const state = await readBreaker(trx, call.dependency);
    const admission = admit(state, nowMs);
    if (admission.type === "refuse" || admission.type === "blocked")
      return { refused: new BreakerOpen(call.dependency, admission, nowMs) };
    const times = { budgetMs: await budgetNow(trx, rails.outbox.announce, rails.clock), wallMs: nowMs };
    const runaway = await findRunaway(trx, call, rails.breaker, times);
    if (runaway !== null) {
      const to = tripped(state, runaway, nowMs, rails.breaker);
      await moveBreaker(trx, rails, { name: call.dependency, from: state, to, nowMs });
      return { refused: new BreakerOpen(call.dependency, to, nowMs) };
    }
    // 3. Spend. The worst case is taken from every window, or the call is not made.
    const reserved = await reserve(trx, rails, call, times);
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
