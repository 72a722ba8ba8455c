import type { Selectable } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import type { BudgetConfig } from "../config/config.ts";
import { newId } from "../lib/ids.ts";
import type { LedgerState, LedgerTable, Trx } from "../store/schema.ts";
import {
  type CapRefusal,
  nameOf,
  tellCapHit,
  tellOverrun,
  tellThresholds,
  tellUnknown,
} from "./budget-notices.ts";
import { addReserved, readSpend, replaceReserved } from "./counters.ts";
import { periodsAt, type Scope, type Window, windowsOf } from "./windows.ts";

export type LedgerEntry = Selectable<LedgerTable>;

/** What a call is reserved under, and what the ledger keeps about it. */
export interface Reservation {
  model: string;
  estimateMicros: number;
  deadlineMs: number;
  scope: Scope;
  step: string | null;
  runner: string | null;
  requestHash: string | null;
  isDegraded: boolean;
}

export interface BudgetRules {
  budget: BudgetConfig;
  timezone: string;
}

/**
 * Takes the worst case from every window, or refuses and changes nothing but the alert. It never shrinks a reservation
 * to fit. A cap of 0 refuses even what costs nothing, so that the rail can be proved for nothing.
 */
export async function reserve(
  trx: Trx,
  announce: Announce,
  call: Reservation,
  rules: BudgetRules,
  times: { budgetMs: number; wallMs: number },
): Promise<{ entryId: string } | { refusal: CapRefusal }> {
  const periods = periodsAt(times.budgetMs, rules.timezone);
  const windows = windowsOf(periods, call.scope, rules.budget);
  for (const window of windows) {
    const refusal = await refusalBy(trx, window, call.estimateMicros, times.budgetMs);
    if (refusal !== null) {
      await tellCapHit(announce, refusal, call.scope);
      return { refusal };
    }
  }
  for (const window of windows) await addReserved(trx, window, call.estimateMicros);
  const entryId = newId(times.wallMs);
  await trx
    .insertInto("ledger")
    .values({
      id: entryId,
      state: "reserved",
      model: call.model,
      created_at: times.wallMs,
      deadline_at: times.wallMs + call.deadlineMs,
      finished_at: null,
      estimate_micros: call.estimateMicros,
      cost_micros: null,
      input_tokens: null,
      output_tokens: null,
      ...periods,
      job: call.scope.job,
      tick: call.scope.tick,
      step: call.step,
      runner: call.runner,
      request_hash: call.requestHash,
      degraded: call.isDegraded ? 1 : 0,
      error: null,
    })
    .execute();
  return { entryId };
}

/** Marks that the first byte may leave. False when the entry was released meanwhile: then nothing may be sent. */
export async function markSending(trx: Trx, entryId: string): Promise<boolean> {
  const result = await trx
    .updateTable("ledger")
    .set({ state: "sending" })
    .where("id", "=", entryId)
    .where("state", "=", "reserved")
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export type Ending =
  | {
      state: "settled";
      costMicros: number;
      inputTokens: number | null;
      outputTokens: number | null;
      error?: string;
    }
  | { state: "released"; error: string }
  | { state: "unknown"; error: string };

/** Which states an entry may be in to end in the given one. What a person has reconciled is not touched again. */
const ENDS_FROM: Record<Ending["state"], LedgerState[]> = {
  settled: ["sending", "unknown"],
  released: ["reserved", "sending"],
  unknown: ["sending"],
};

/**
 * Ends a call: its cost replaces the reservation (settled), the reservation is given back (released), or it stays
 * charged at its worst case (unknown). False when the entry was not under way any more; then nothing changed.
 */
export async function finish(
  trx: Trx,
  announce: Announce,
  entryId: string,
  ending: Ending,
  rules: BudgetRules,
  times: { budgetMs: number; wallMs: number },
): Promise<boolean> {
  const entry = await trx
    .updateTable("ledger")
    .set({
      state: ending.state,
      finished_at: times.wallMs,
      error: ending.error?.slice(0, 2_000) ?? null,
      ...(ending.state === "settled"
        ? {
            cost_micros: ending.costMicros,
            input_tokens: ending.inputTokens,
            output_tokens: ending.outputTokens,
          }
        : {}),
    })
    .where("id", "=", entryId)
    .where("state", "in", ENDS_FROM[ending.state])
    .returningAll()
    .executeTakeFirst();
  if (entry === undefined) return false;
  const windows = windowsOf(entry, entry, rules.budget);
  if (ending.state === "unknown") await tellUnknown(announce, entry, ending.error);
  else {
    const costMicros = ending.state === "settled" ? ending.costMicros : 0;
    for (const window of windows) {
      await replaceReserved(trx, window, { estimateMicros: entry.estimate_micros, costMicros });
    }
    if (costMicros > entry.estimate_micros) await tellOverrun(announce, entry, costMicros);
  }
  if (ending.state !== "released") {
    for (const window of windows) await thresholds(trx, announce, window, rules, times.budgetMs);
  }
  return true;
}

async function refusalBy(
  trx: Trx,
  window: Window,
  estimateMicros: number,
  nowMs: number,
): Promise<CapRefusal | null> {
  if (window.capMicros === null) return null;
  const spend = await readSpend(trx, window, nowMs);
  const spentMicros = spend.settledMicros + spend.reservedMicros;
  if (window.capMicros > 0 && spentMicros + estimateMicros <= window.capMicros) return null;
  return { ...nameOf(window), capMicros: window.capMicros, spentMicros, estimateMicros };
}

async function thresholds(
  trx: Trx,
  announce: Announce,
  window: Window,
  rules: BudgetRules,
  nowMs: number,
): Promise<void> {
  if (window.capMicros === null || window.capMicros === 0) return;
  const spend = await readSpend(trx, window, nowMs);
  const spentMicros = spend.settledMicros + spend.reservedMicros;
  await tellThresholds(
    announce,
    { ...nameOf(window), capMicros: window.capMicros, spentMicros },
    rules.budget.warningThresholds,
  );
}
