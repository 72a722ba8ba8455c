import type { Notice } from "../alerts/outbox.ts";
import { shortId } from "../lib/ids.ts";
import { formatUsd, usdFromMicros } from "../lib/money.ts";
import { asSentence, endOfError } from "../lib/text.ts";
import { AGENT, type CapSpend, capWords, formatAmount, type Scope, spanWords } from "../lib/windows.ts";
import type { GrantOffer } from "./granted.ts";
import type { LedgerEntry } from "./ledger.ts";
import type { Counter } from "./windows.ts";

/** A cap that has no room for a call, with the most that the call could take. */
export interface CapRefusal extends CapSpend {
  estimate: number;
  /** It has room once calls under way have settled, if they cost little. */
  fitsLater: boolean;
  /** What is left under the tightest cap in money; null where there is none. */
  roomMicros: number | null;
  /** What a person may be asked to grant the run so that the call has room; null where no yes would do. */
  offer: GrantOffer | null;
}

/** The hour is named by clock hour: its counter's rows are minutes, and an alert a minute helps nobody. */
export function shownPeriod({ window, period }: Counter): string {
  return window === "hour" ? `${period.slice(0, 13)}:00Z` : period;
}

/** Once per cap and period: the key says so. */
export function capHit(refusal: CapRefusal, scope: Scope): Notice {
  return {
    event: "cap_hit",
    title: `The ${capWords(refusal)} is reached`,
    message:
      refusal.cap === 0
        ? "It is 0, which refuses every call, free ones too. Look: afk status"
        : `${spentWords(refusal)}; a call of at most ${formatAmount(refusal.amount, refusal.estimate)} was refused before ` +
          "it was made. Look: afk status",
    subject: subjectOf(refusal),
    occurrence: refusal.period,
    ...payloadOf(refusal),
    ...(refusal.unit === "usd"
      ? { neededUsd: usdFromMicros(refusal.estimate) }
      : { needed: refusal.estimate }),
    ...scopeFields(scope),
  };
}

/** Rounded, since 0.55 x $1 is a little more than 550,000 micro-dollars and would come one too late. */
export function thresholdOf(threshold: number, cap: number): number {
  return Math.round(threshold * cap);
}

/** Once per threshold, cap and period: the key says so. A cap of 0 has no fractions. */
export function thresholdsCrossed(spend: CapSpend, thresholds: readonly number[]): Notice[] {
  const crossed = thresholds.filter((each) => spend.cap > 0 && spend.spent >= thresholdOf(each, spend.cap));
  return crossed.map((threshold) => ({
    event: "threshold_cross",
    title: `${percent(spend)} % of the ${capWords(spend)}`,
    message: `${spentWords(spend)}. Look: afk status`,
    subject: subjectOf(spend),
    occurrence: `${spend.period}:${threshold}`,
    threshold,
    ...payloadOf(spend),
  }));
}

function spentWords(spend: CapSpend): string {
  const { amount, spent, cap } = spend;
  return `${formatAmount(amount, spent)} of ${formatAmount(amount, cap)} is spent or reserved ${spanWords(spend)}`;
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

/** A call of which nobody knows what it cost. */
export function unknownCall(entry: LedgerEntry, error: string): Notice {
  return {
    event: "call_unknown",
    title: `A call to ${entry.model} ended unknown`,
    message:
      `${asSentence(endOfError(error))} It stays charged at its worst case of ${formatUsd(entry.estimate_micros)} until you say what it cost: ` +
      `afk ledger reconcile ${shortId(entry.id)} --usd X`,
    subject: "",
    occurrence: entry.id,
    ...scopeFields(entry),
  };
}

/**
 * A call that took more than its bound: in money, or as `aboveBound` says, which is there where its model is refused for it. What a person
 * or a program has said that a call cost refuses nothing.
 */
export function overrun(entry: LedgerEntry, costMicros: number, aboveBound: string | undefined): Notice {
  const what =
    costMicros > entry.estimate_micros || aboveBound === undefined
      ? `A call cost ${formatUsd(costMicros)}, more than the ${formatUsd(entry.estimate_micros)} that bounded it`
      : `A call was billed ${aboveBound}`;
  return {
    event: "overrun",
    title: `${entry.model} billed more than its bound`,
    message: `${what}. It is recorded in full${aboveBound === undefined ? "" : ", and the model is refused until: afk resume"}. Look: afk ledger`,
    subject: "",
    occurrence: entry.id,
    spentUsd: usdFromMicros(costMicros),
    ...scopeFields(entry),
  };
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
