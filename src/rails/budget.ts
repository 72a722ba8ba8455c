import { type Selectable, sql } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import type { BudgetConfig } from "../config/config.ts";
import { assert } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { prepared } from "../store/prepared.ts";
import type { Db, LedgerState, LedgerTable, Trx } from "../store/schema.ts";
import {
  type CapRefusal,
  nameOf,
  tellCapHit,
  tellOverrun,
  tellThresholds,
  tellUnknown,
  thresholdMicros,
  type WindowSpend,
} from "./budget-notices.ts";
import { addReserved, readSpends, replaceReserved } from "./counters.ts";
import { openPeriods } from "./periods.ts";
import { type Scope, type Window, windowsOf } from "./windows.ts";

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

/** A reservation on disk. */
export interface Reserved {
  entryId: string;
  /** Whether a window would be at a warning threshold if the call cost its worst case. */
  isNearThreshold: boolean;
}

/**
 * Takes the worst case from every window and writes the ledger entry, or refuses and changes nothing but the alert and the
 * open periods. It never shrinks a reservation to fit. A cap of 0 refuses even what costs nothing, so that the rail can be
 * proved for nothing.
 */
export async function reserve(
  trx: Trx,
  announce: Announce,
  call: Reservation,
  rules: BudgetRules,
  times: { budgetMs: number; wallMs: number },
): Promise<Reserved | { refusal: CapRefusal }> {
  const periods = await openPeriods(trx, times.budgetMs, rules.timezone);
  const windows = windowsOf(periods, call.scope, rules.budget);
  const { estimateMicros } = call;
  const before = await spends(trx, windows, times.budgetMs);
  const full = before.find(({ capMicros, spentMicros }) => !hasRoom(capMicros, spentMicros, estimateMicros));
  if (full !== undefined) {
    const refusal = { ...full, estimateMicros };
    await tellCapHit(trx, announce, refusal, call.scope);
    return { refusal };
  }
  await addReserved(trx, windows, call.estimateMicros);
  const entryId = newId(times.wallMs);
  await insertEntry(trx, {
    id: entryId,
    model: call.model,
    created_at: times.wallMs,
    deadline_at: times.wallMs + call.deadlineMs,
    estimate_micros: call.estimateMicros,
    ...periods,
    job: call.scope.job,
    tick: call.scope.tick,
    step: call.step,
    runner: call.runner,
    request_hash: call.requestHash,
    degraded: call.isDegraded ? 1 : 0,
  });
  const least = Math.min(...rules.budget.warningThresholds);
  const isNearThreshold = before.some(
    ({ capMicros, spentMicros }) => spentMicros + estimateMicros >= thresholdMicros(least, capMicros),
  );
  return { entryId, isNearThreshold };
}

function hasRoom(capMicros: number, spentMicros: number, estimateMicros: number): boolean {
  return capMicros > 0 && spentMicros + estimateMicros <= capMicros;
}

type NewEntry = Omit<
  LedgerEntry,
  "state" | "finished_at" | "cost_micros" | "input_tokens" | "output_tokens" | "error"
>;

/**
 * Marked as sending from the start, since nothing is done between the reservation and the first byte but their commit: a
 * crash before it has reserved nothing, and after it the first byte may have left.
 */
const insertEntry = prepared((db, entry: NewEntry) =>
  db.insertInto("ledger").values({
    id: entry.id,
    state: "sending",
    model: entry.model,
    created_at: entry.created_at,
    deadline_at: entry.deadline_at,
    estimate_micros: entry.estimate_micros,
    minute: entry.minute,
    day: entry.day,
    month: entry.month,
    job: entry.job,
    tick: entry.tick,
    step: entry.step,
    runner: entry.runner,
    request_hash: entry.request_hash,
    degraded: entry.degraded,
  }),
);

export type Ending =
  | {
      state: "settled";
      costMicros: number;
      inputTokens: number | null;
      outputTokens: number | null;
      error?: string;
      /** What was above its bound although the cost was not, in words. */
      aboveBound?: string | undefined;
    }
  | { state: "released"; error: string }
  | { state: "unknown"; error: string };

/**
 * Which states an entry may be in to end in the given one. What a person has reconciled is not touched again; one that is
 * only reserved was written by an earlier version, and never sent.
 */
const ENDS_FROM: Record<Ending["state"], LedgerState[]> = {
  settled: ["sending", "unknown"],
  released: ["reserved", "sending"],
  unknown: ["sending"],
};

/**
 * Ends a call: its cost replaces the reservation (settled), the reservation is given back (released), or it stays
 * charged at its worst case (unknown). False when the entry was not under way any more; then nothing changed.
 * `budgetMs` is null when no warning threshold is to be looked at.
 */
export async function finish(
  trx: Trx,
  announce: Announce,
  entryId: string,
  ending: Ending,
  rules: BudgetRules,
  times: { budgetMs: number | null; wallMs: number },
): Promise<boolean> {
  const isSettled = ending.state === "settled";
  const { rows } = await UPDATE_ENDED[ending.state](trx, {
    id: entryId,
    finishedAt: times.wallMs,
    error: ending.error?.slice(0, 2_000) ?? null,
    costMicros: isSettled ? ending.costMicros : null,
    inputTokens: isSettled ? ending.inputTokens : null,
    outputTokens: isSettled ? ending.outputTokens : null,
  });
  const [entry] = rows;
  if (entry === undefined) return false;
  const windows = windowsOf(entry, entry, rules.budget);
  if (ending.state === "unknown") await tellUnknown(trx, announce, entry, ending.error);
  else {
    const costMicros = ending.state === "settled" ? ending.costMicros : 0;
    await replaceReserved(trx, windows, { estimateMicros: entry.estimate_micros, costMicros });
    const aboveBound = ending.state === "settled" ? ending.aboveBound : undefined;
    if (costMicros > entry.estimate_micros || aboveBound !== undefined)
      await tellOverrun(trx, announce, entry, costMicros, aboveBound);
  }
  if (ending.state !== "released" && times.budgetMs !== null) {
    for (const spend of await spends(trx, windows, times.budgetMs)) {
      if (spend.capMicros > 0) await tellThresholds(trx, announce, spend, rules.budget.warningThresholds);
    }
  }
  return true;
}

interface EndingValues {
  id: string;
  finishedAt: number;
  error: string | null;
  costMicros: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
}

function updateEnded(state: Ending["state"]) {
  return prepared((db: Db, ending: EndingValues) =>
    db
      .updateTable("ledger")
      .set({
        state,
        finished_at: ending.finishedAt,
        error: ending.error,
        cost_micros: ending.costMicros,
        input_tokens: ending.inputTokens,
        output_tokens: ending.outputTokens,
      })
      .where("id", "=", ending.id)
      .where(
        "state",
        "in",
        ENDS_FROM[state].map((from) => sql.lit(from)),
      )
      .returningAll(),
  );
}

const UPDATE_ENDED = {
  settled: updateEnded("settled"),
  released: updateEnded("released"),
  unknown: updateEnded("unknown"),
};

/** What is spent in each of the windows that have a cap, the narrowest first. */
async function spends(trx: Trx, windows: Window[], nowMs: number): Promise<WindowSpend[]> {
  const capped = windows.filter((window) => window.capMicros !== null);
  const sums = await readSpends(trx, capped, nowMs);
  return sums.map(({ settledMicros, reservedMicros }, index) => {
    const window = capped[index];
    assert(window !== undefined && window.capMicros !== null, "a sum without its window");
    return { ...nameOf(window), capMicros: window.capMicros, spentMicros: settledMicros + reservedMicros };
  });
}
