import type { Selectable } from "kysely";
import type { Announce } from "../alerts/outbox.ts";
import { formatUsd, usdFromMicros } from "../lib/money.ts";
import { asSentence } from "../lib/text.ts";
import { AGENT, type CapSpend, capWords, formatAmount, type Scope } from "../lib/windows.ts";
import type { LedgerTable } from "../store/schema/rails.ts";
import type { Trx } from "../store/schema.ts";
import type { Counter } from "./windows.ts";

/** A cap that has no room for a call, with the most that the call could take. */
export interface CapRefusal extends CapSpend {
  estimate: number;
}

/** The hour is named by clock hour: its counter's rows are minutes, and an alert a minute helps nobody. */
export function shownPeriod({ window, period }: Counter): string {
  return window === "hour" ? `${period.slice(0, 13)}:00Z` : period;
}

/** Once per cap and period: the key says so. */
export async function announceCapHit(
  trx: Trx,
  announce: Announce,
  refusal: CapRefusal,
  scope: Scope,
): Promise<void> {
  await announce(trx, {
    event: "cap_hit",
    title: `The ${capWords(refusal)} is reached`,
    message:
      `${spentWords(refusal)}; a call of at most ${formatAmount(refusal.amount, refusal.estimate)} was refused before ` +
      "it was made. Look: afk status",
    subject: subjectOf(refusal),
    occurrence: refusal.period,
    ...payloadOf(refusal),
    ...scopeFields(scope),
  });
}

/** Rounded, since 0.55 x $1 is a little more than 550,000 micro-dollars and would come one too late. */
export function thresholdOf(threshold: number, cap: number): number {
  return Math.round(threshold * cap);
}

/** Once per threshold, cap and period: the key says so. */
export async function announceThresholds(
  trx: Trx,
  announce: Announce,
  spend: CapSpend,
  thresholds: number[],
): Promise<void> {
  for (const threshold of thresholds) {
    if (spend.spent < thresholdOf(threshold, spend.cap)) continue;
    const notice = {
      event: "threshold_cross" as const,
      title: `${percent(spend)} % of the ${capWords(spend)}`,
      message: `${spentWords(spend)}. Look: afk status`,
      subject: subjectOf(spend),
      occurrence: `${spend.period}:${threshold}`,
      threshold,
      ...payloadOf(spend),
    };
    await announce(trx, notice, "quiet");
  }
}

function spentWords({ amount, spent, cap, period }: CapSpend): string {
  return `${formatAmount(amount, spent)} of ${formatAmount(amount, cap)} is spent or reserved in ${period}`;
}

/** Which cap it is: `day` for the agent's dollars, else with its unit and whose it is. */
export function subjectOf({ window, scope, unit }: Pick<CapSpend, "window" | "scope" | "unit">): string {
  return `${window}${unit === "usd" ? "" : `/${unit}`}${scope === AGENT ? "" : `/${scope}`}`;
}

function payloadOf(spend: CapSpend) {
  const { window, scope, period, unit, cap, spent } = spend;
  const amounts =
    unit === "usd" ? { capUsd: usdFromMicros(cap), spentUsd: usdFromMicros(spent) } : { unit, cap, spent };
  return { window, period, ...amounts, ...(scope === AGENT ? {} : { scope }), pct: percent(spend) };
}

export async function announceUnknown(
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

export async function announceOverrun(
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

function scopeFields(scope: Pick<Scope, "tick" | "job">): { tick?: string; job?: string } {
  return {
    ...(scope.tick === null ? {} : { tick: scope.tick }),
    ...(scope.job === null ? {} : { job: scope.job }),
  };
}

function percent({ spent, cap }: CapSpend): number {
  return cap === 0 ? 100 : Math.floor((100 * spent) / cap);
}
