import type { Selectable } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import { formatUsd, usdFromMicros } from "../lib/money.ts";
import { asSentence } from "../lib/text.ts";
import type { LedgerTable, Trx, WindowName } from "../store/schema.ts";
import type { Scope, Window } from "./windows.ts";

export interface WindowSpend {
  window: WindowName;
  period: string;
  capMicros: number;
  /** Settled and reserved together. */
  spentMicros: number;
}

export interface CapRefusal extends WindowSpend {
  estimateMicros: number;
}

/** The hour is told of by clock hour: its counter's rows are minutes, and an alert a minute helps nobody. */
export function nameOf(window: Window): { window: WindowName; period: string } {
  const period = window.window === "hour" ? `${window.period.slice(0, 13)}:00Z` : window.period;
  return { window: window.window, period };
}

export async function tellCapHit(
  trx: Trx,
  announce: Announce,
  refusal: CapRefusal,
  scope: Scope,
): Promise<void> {
  await announce(trx, {
    event: "cap_hit",
    title: `The ${refusal.window} cap is reached`,
    message:
      `${formatUsd(refusal.spentMicros)} of ${formatUsd(refusal.capMicros)} is spent or reserved in ${refusal.period}; ` +
      `a call of at most ${formatUsd(refusal.estimateMicros)} was refused before it was made. Look: afk status`,
    subject: refusal.window,
    occurrence: refusal.period,
    window: refusal.window,
    period: refusal.period,
    capUsd: usdFromMicros(refusal.capMicros),
    spentUsd: usdFromMicros(refusal.spentMicros),
    pct: percent(refusal.spentMicros, refusal.capMicros),
    ...scopeFields(scope),
  });
}

/** Rounded, since 0.55 x $1 is a little more than 550,000 micro-dollars and would come one too late. */
export function thresholdMicros(threshold: number, capMicros: number): number {
  return Math.round(threshold * capMicros);
}

/** Once per threshold, window and period: the key says so. */
export async function tellThresholds(
  trx: Trx,
  announce: Announce,
  spend: WindowSpend,
  thresholds: number[],
): Promise<void> {
  for (const threshold of thresholds) {
    if (spend.spentMicros < thresholdMicros(threshold, spend.capMicros)) continue;
    const pct = percent(spend.spentMicros, spend.capMicros);
    const notice = {
      event: "threshold_cross" as const,
      title: `${pct} % of the ${spend.window} cap`,
      message:
        `${formatUsd(spend.spentMicros)} of ${formatUsd(spend.capMicros)} is spent or reserved in ${spend.period}. ` +
        "Look: afk status",
      subject: spend.window,
      occurrence: `${spend.period}:${threshold}`,
      window: spend.window,
      period: spend.period,
      threshold,
      capUsd: usdFromMicros(spend.capMicros),
      spentUsd: usdFromMicros(spend.spentMicros),
      pct,
    };
    await announce(trx, notice, "quiet");
  }
}

export async function tellUnknown(
  trx: Trx,
  announce: Announce,
  entry: Selectable<LedgerTable>,
  error: string,
): Promise<void> {
  await announce(trx, {
    event: "call_unknown",
    title: `A call to ${entry.model} ended unknown`,
    message:
      `${asSentence(error)} It stays charged at its worst case of ${formatUsd(entry.estimate_micros)} until you say what it cost: ` +
      `afk ledger reconcile ${entry.id} --usd X`,
    subject: "",
    occurrence: entry.id,
    ...scopeFields(entry),
  });
}

export async function tellOverrun(
  trx: Trx,
  announce: Announce,
  entry: Selectable<LedgerTable>,
  costMicros: number,
  aboveBound: string | undefined,
): Promise<void> {
  const what =
    costMicros > entry.estimate_micros || aboveBound === undefined
      ? `A call cost ${formatUsd(costMicros)}, more than the ${formatUsd(entry.estimate_micros)} that bounded it`
      : `A call was billed ${aboveBound}`;
  await announce(trx, {
    event: "overrun",
    title: `${entry.model} billed more than its bound`,
    message: `${what}. It is recorded in full, and the model is refused until: afk resume. Look: afk ledger list`,
    subject: "",
    occurrence: entry.id,
    spentUsd: usdFromMicros(costMicros),
    ...scopeFields(entry),
  });
}

function scopeFields(scope: Scope): { tick?: string; job?: string } {
  return {
    ...(scope.tick === null ? {} : { tick: scope.tick }),
    ...(scope.job === null ? {} : { job: scope.job }),
  };
}

function percent(spentMicros: number, capMicros: number): number {
  return capMicros === 0 ? 100 : Math.floor((100 * spentMicros) / capMicros);
}
