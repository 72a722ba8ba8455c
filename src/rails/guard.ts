import { messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { formatUsd } from "../lib/money.ts";
import { joinSignals } from "../lib/signals.ts";
import { isBusy } from "../store/errors.ts";
import type { Trx } from "../store/schema.ts";
import { moveBreaker, readBreaker } from "./breaker.ts";
import { afterFailure, afterSuccess, type BreakerState, blocked } from "./breaker-state.ts";
import { finish, type Reserved } from "./budget.ts";
import { budgetNow } from "./budget-time.ts";
import { CallFailed } from "./call.ts";
import { type GatedCall, passGates } from "./gates.ts";
import { isLasting, Killed } from "./halt.ts";
import { announceKill } from "./kill.ts";
import { createLastLook } from "./last-look.ts";
import { countedTokens, type Ending, type TokenCounts } from "./ledger.ts";
import type { Rails } from "./rails.ts";
import { isCapped } from "./windows.ts";

/** What a performed call cost and gave. `failure`: it was billed, and its answer cannot be used. */
export interface Performed<T> extends TokenCounts {
  costMicros: number;
  /** What it gave was cut off at its bound; for the log. */
  truncated?: boolean;
  /** What was above its bound, in words, although it cost no more than was reserved: the next such call may. */
  aboveBound?: string;
  value: T;
  failure?: CallFailed;
}

/** A call, and how it is made and recorded once the gates have let it pass. */
export interface GuardedCall<T> extends GatedCall {
  /**
   * Makes exactly one request. A CallFailed says what a failure may have cost; any other error counts as unknown. It begins
   * right behind a look at the kill switch; one that has to connect first awaits `lastLook` immediately before its first
   * byte, and sends nothing when that rejects.
   */
  perform(signal: AbortSignal, lastLook: () => Promise<void>, reserved: Reserved): Promise<Performed<T>>;
  /** Everything that `perform` sends awaits `lastLook` first, so that it need not follow a look besides. */
  looksItself?: boolean;
  /** Runs in the transaction that settles the cost: what was paid for and what was got commit together. */
  record?: ((trx: Trx, value: T) => Promise<void>) | undefined;
  /** Whoever asked has its answer before the cost is settled, so that this may wait some milliseconds for company. */
  settlesSoon?: boolean;
  signal?: AbortSignal | undefined;
  /** Where its log lines go, with the ids of the tick and job it belongs to. */
  log: Log;
}

/**
 * Runs one call behind kill, breaker and cap (see gates.ts), aborts it when the kill switch is set, and writes down
 * what became of it. The rails know no provider: any function that can say what it cost can be guarded.
 *
 * @throws Killed, MachineLost, BreakerOpen, CapReached (nothing was sent), CallFailed, or what `perform` or `record` threw.
 */
export async function guard<T>(rails: Rails, call: GuardedCall<T>): Promise<T> {
  const release = rails.watch.hold("in_flight");
  try {
    await rails.watch.recover();
    using joined = joinSignals([rails.watch.signal, call.signal]);
    const { signal } = joined;
    signal.throwIfAborted();
    const reserved = await passGates(rails, call);
    return await performAndRecord(rails, call, reserved, signal);
  } finally {
    release();
  }
}

async function performAndRecord<T>(
  rails: Rails,
  call: GuardedCall<T>,
  reserved: Reserved,
  signal: AbortSignal,
): Promise<T> {
  const { entryId } = reserved;
  let performed: Performed<T>;
  const startedMs = rails.clock.uptimeMs();
  const elapsedMs = () => rails.clock.uptimeMs() - startedMs;
  const look = createLastLook(rails, call, signal);
  try {
    if (!call.looksItself) await look.lastLook();
    performed = await call.perform(signal, look.lastLook, reserved);
  } catch (error) {
    const refusal = look.refusal();
    await recordFailure(rails, call, entryId, refusal ?? asCallFailed(error, signal), elapsedMs());
    // What is ours is told in our words (Killed, the job's time limit), not in the client's.
    if (refusal !== null) throw refusal.cause;
    throw signal.aborted ? signal.reason : error;
  }
  const durationMs = elapsedMs();
  await settle(rails, call, reserved, performed);
  const { value, failure, aboveBound: _told, ...figures } = performed;
  const fields = { model: call.model, entry: entryId, durationMs, ...figures };
  if (failure !== undefined) {
    call.log.event("warn", "call_failed", { ...fields, error: failure.message });
    throw failure;
  }
  call.log.event("info", "call_done", { ...fields, step: call.step });
  return value;
}

async function settle<T>(
  rails: Rails,
  call: GuardedCall<T>,
  reserved: Reserved,
  performed: Performed<T>,
): Promise<void> {
  try {
    await recordPerformed(rails, call, reserved, performed, call.record);
  } catch (error) {
    // Another program keeps the database. To settle without the answer would be to buy it again: both or neither.
    if (isBusy(error)) return await recordPerformed(rails, call, reserved, performed, call.record);
    // What was bought could not be kept (a lost lease, say). The money is settled all the same.
    await recordPerformed(rails, call, reserved, performed, undefined);
    throw error;
  }
}

async function recordPerformed<T>(
  rails: Rails,
  call: GuardedCall<T>,
  { entryId, isNearThreshold }: Reserved,
  performed: Performed<T>,
  record: GuardedCall<T>["record"],
): Promise<void> {
  const { costMicros, inputTokens, outputTokens, failure } = performed;
  const aboveBound = aboveBoundOf(rails, call, performed);
  const atomically = call.settlesSoon ? rails.store.atomicallySoon : rails.store.atomically;
  await atomically(async (trx) => {
    const error = failure === undefined ? {} : { error: failure.message };
    const figures = { costMicros, inputTokens, outputTokens };
    const ending: Ending = { state: "settled", ...figures, aboveBound, ...error };
    // What is settled within its bound only lowers what is spent. So a threshold is passed for good by the last call that
    // was reserved above it, and which then was near it: only such a call has to look.
    const isOverrun = aboveBound !== undefined;
    const thresholds = isOverrun || isNearThreshold ? "look" : "done";
    const from = await settleEntry(trx, rails, call, { entryId, ending, thresholds });
    // A call that took more than its bound shows that the bound is none: a person has to look before there is another.
    const reason = `${call.model} billed ${aboveBound}`;
    if (isOverrun)
      await updateBreaker(trx, rails, call, from, (state, nowMs) => blocked(state, reason, nowMs));
    else if (failure !== undefined)
      await updateBreaker(trx, rails, call, from, failed(rails, entryId, failure));
    else await updateBreaker(trx, rails, call, from, (state) => afterSuccess(state, entryId));
    if (failure === undefined) await record?.(trx, performed.value);
  });
}

/** What was above its bound, in words. Tokens of a model that costs nothing matter where there is a cap on tokens. */
function aboveBoundOf<T>(rails: Rails, call: GuardedCall<T>, performed: Performed<T>): string | undefined {
  const { costMicros, aboveBound } = performed;
  if (costMicros > call.estimateMicros)
    return `${formatUsd(costMicros)} for a call that was bounded by ${formatUsd(call.estimateMicros)}`;
  const tokens = countedTokens(performed) ?? 0;
  if (tokens <= call.estimateTokens || !isCapped(rails.budget.budget, "tokens")) return aboveBound;
  return `${tokens} tokens for a call that was bounded by ${call.estimateTokens}`;
}

async function recordFailure<T>(
  rails: Rails,
  call: GuardedCall<T>,
  entryId: string,
  failure: CallFailed,
  durationMs: number,
): Promise<void> {
  const state = failure.charge === "none" ? "released" : "unknown";
  const ending: Ending = { state, error: failure.message };
  const { cause } = failure;
  await rails.store.atomically(async (trx) => {
    if (cause instanceof Killed && isLasting(cause.kill))
      await announceKill(trx, rails.outbox.announce, cause.kill);
    const from = await settleEntry(trx, rails, call, { entryId, ending, thresholds: "look" });
    await updateBreaker(trx, rails, call, from, failed(rails, entryId, failure));
  });
  call.log.event("warn", "call_failed", {
    model: call.model,
    entry: entryId,
    ...ending,
    step: call.step,
    durationMs,
  });
}

/** Ends the entry; gives the breaker of what was called, which is read meanwhile. */
async function settleEntry(
  trx: Trx,
  rails: Rails,
  { dependency }: GatedCall,
  { entryId, ending, thresholds }: { entryId: string; ending: Ending; thresholds: "look" | "done" },
): Promise<BreakerState> {
  const budgetMs = thresholds === "look" ? await budgetNow(trx, rails.outbox.announce, rails.clock) : null;
  const shown: Ending =
    ending.error === undefined ? ending : { ...ending, error: rails.outbox.redact(ending.error) };
  // Both are over before the section ends, whichever fails: none of the entry's statements may come behind its rollback.
  const [breaker, finished] = await Promise.allSettled([
    readBreaker(trx, dependency),
    finish(trx, rails, entryId, shown, budgetMs),
  ]);
  if (finished.status === "rejected") throw finished.reason;
  if (breaker.status === "rejected") throw breaker.reason;
  return breaker.value;
}

/** Moves the breaker from the state in which it was read. */
async function updateBreaker(
  trx: Trx,
  rails: Rails,
  { dependency: name }: GatedCall,
  from: BreakerState,
  next: (from: BreakerState, nowMs: number) => BreakerState,
): Promise<void> {
  const nowMs = rails.clock.nowMs();
  await moveBreaker(trx, rails, { name, from, to: next(from, nowMs), nowMs });
}

function failed(rails: Rails, entryId: string, { trip, message }: CallFailed) {
  const reason = rails.outbox.redact(message);
  return (from: BreakerState, nowMs: number) =>
    afterFailure(from, entryId, { trip, reason }, nowMs, rails.breaker);
}

/** An abort of ours says nothing of the dependency's health, but may have been billed. */
function asCallFailed(error: unknown, signal: AbortSignal): CallFailed {
  if (signal.aborted) {
    const charge = error instanceof CallFailed ? error.charge : "unknown";
    return new CallFailed(`aborted: ${messageOf(signal.reason)}`, { charge, trip: "none", cause: error });
  }
  if (error instanceof CallFailed) return error;
  return new CallFailed(messageOf(error), { charge: "unknown", trip: "count", cause: error });
}
