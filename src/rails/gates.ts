import type { Announce } from "../alerts/outbox.ts";
import type { Trx } from "../store/schema.ts";
import { moveBreaker, readBreaker } from "./breaker.ts";
import { admit, probing, tripped } from "./breaker-state.ts";
import { markSending, type Reservation, reserve } from "./budget.ts";
import { budgetNow } from "./budget-time.ts";
import { BreakerOpen, CapReached, Killed } from "./halt.ts";
import { announceKill, readKill } from "./kill.ts";
import type { Rails } from "./rails.ts";
import { findRunaway } from "./runaway.ts";

/** A probe that has said nothing for this long after its call's own deadline is given up for lost. */
const PROBE_MARGIN_MS = 60_000;

export interface GatedCall extends Reservation {
  /** The breaker's name: `model:ollama/qwen2.5:3b`, `host:example.org`. */
  dependency: string;
}

/**
 * The order is the safety: stop first, fail fast second, spend last. All three read and write in one immediate
 * transaction, so that no other process can slip between the check and the reservation, and nothing may be sent
 * before it has committed.
 *
 * @returns the id of the ledger entry, which is reserved on disk.
 * @throws Killed, BreakerOpen or CapReached; then nothing was reserved.
 */
export async function passGates(rails: Rails, call: GatedCall): Promise<string> {
  const verdict = await rails.outbox.transaction(async (trx, announce) => {
    // 1. Stop. A set kill switch refuses everything, whatever the rest would say.
    const kill = await readKill(trx, rails.stopFile);
    if (kill !== null) {
      await announceKill(announce, kill);
      return { refused: new Killed(kill) };
    }
    // 2. Fail fast. What is broken is left alone, and costs no budget.
    const nowMs = rails.clock.nowMs();
    const state = await readBreaker(trx, call.dependency);
    const admission = admit(state, nowMs);
    if (admission.type === "refuse")
      return { refused: new BreakerOpen(call.dependency, admission.until, nowMs) };
    const budgetMs = await budgetNow(trx, announce, rails.clock);
    const runaway = await findRunaway(trx, call, rails.breaker, { budgetMs, wallMs: nowMs });
    if (runaway !== null) {
      const to = tripped(state, runaway, nowMs, rails.breaker);
      await moveBreaker(trx, announce, call.dependency, { from: state, to }, nowMs, rails.breaker.cooldownMs);
      return { refused: new BreakerOpen(call.dependency, to.until, nowMs) };
    }
    // 3. Spend. The worst case is taken from every window, or the call is not made.
    const reserved = await reserve(trx, announce, call, rails.budget, { budgetMs, wallMs: nowMs });
    if ("refusal" in reserved) return { refused: new CapReached(reserved.refusal) };
    // The probe is claimed last: a call that the cap refuses must not use it up.
    if (admission.type === "probe") {
      const to = probing(state, reserved.entryId, nowMs, call.deadlineMs + PROBE_MARGIN_MS, rails.breaker);
      await moveBreaker(trx, announce, call.dependency, { from: state, to }, nowMs, rails.breaker.cooldownMs);
    }
    return { entryId: reserved.entryId };
  });
  if ("refused" in verdict) throw verdict.refused;
  return verdict.entryId;
}

/**
 * The last step before the first byte: marks the entry as sending, on disk. The kill switch is read once more in the
 * same transaction, since the gates may have been passed a moment ago.
 * @returns the kill that forbids it; null when the call may be sent.
 */
export async function openGate(
  trx: Trx,
  announce: Announce,
  rails: Rails,
  entryId: string,
): Promise<Killed | null> {
  const kill = await readKill(trx, rails.stopFile);
  if (kill !== null) {
    await announceKill(announce, kill);
    return new Killed(kill);
  }
  const isMine = await markSending(trx, entryId);
  if (isMine) return null;
  return new Killed({
    by: "row",
    at: rails.clock.nowMs(),
    reason: `reservation ${entryId} was taken back before it was used`,
  });
}
