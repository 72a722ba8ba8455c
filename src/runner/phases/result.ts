import { EXIT, messageOf } from "../../lib/errors.ts";
import { asSentence, endOfError } from "../../lib/text.ts";
import type { Uses } from "../dependencies.ts";
import type { TickOutcome } from "../tick-record.ts";

/** What a phase did of what a tick's record says; what it leaves out it did not do, or does not know. */
export interface PhaseResult {
  /** How the tick ends as far as this phase knows; a later phase knows better. */
  verdict?: { outcome: Exclude<TickOutcome, "idle">; reason: string | null; exitCode?: number };
  /** The tick found the kill switch set. */
  wasStopped?: boolean;
  /** False when no work may be begun although nothing was stopped. */
  isFit?: boolean;
  units?: number;
  /** Paths of the files that were published in `out/`. */
  outputs?: string[];
  /** Why nothing can be written into `out/`. */
  unwritable?: string | null;
}

/** What the phases of a tick amount to. */
interface TickSummary extends Required<Omit<PhaseResult, "verdict" | "unwritable">> {
  outcome: TickOutcome;
  reason: string | null;
  exitCode: number;
}

/** The one place where outcome, reason and exit code are decided. */
export function summarize(results: readonly PhaseResult[], out: string): TickSummary {
  const done = {
    wasStopped: results.some(({ wasStopped }) => wasStopped),
    isFit: results.every(({ isFit }) => isFit !== false),
    units: results.reduce((sum, { units = 0 }) => sum + units, 0),
    outputs: results.flatMap(({ outputs = [] }) => outputs),
  };
  const idle = { outcome: "idle", reason: null } as const;
  const verdict = results.findLast(({ verdict }) => verdict !== undefined)?.verdict ?? idle;
  // The work is done and kept; but who waits for it gets nothing.
  const unwritable = results.map(({ unwritable }) => unwritable ?? null).find((reason) => reason !== null);
  if (unwritable !== undefined && (verdict.outcome === "ok" || verdict.outcome === "idle")) {
    const obstacle = `nothing can be written into ${out}: ${unwritable}`;
    return { ...done, outcome: "failed", reason: obstacle, exitCode: EXIT.failed };
  }
  return { ...done, exitCode: EXIT.ok, ...verdict };
}

/** An error that ended the phases is an alert, and the tick's outcome. */
export async function reportFailed(
  { store, outbox }: Uses<"store" | "outbox">,
  tick: string,
  error: unknown,
): Promise<PhaseResult> {
  const reason = messageOf(error);
  await store.atomically((trx) =>
    outbox.announce(trx, {
      event: "tick_failed",
      title: "A tick failed",
      message: `${asSentence(endOfError(reason))} The next tick recovers what this one began. Look: afk logs --event tick_failed`,
      subject: "",
      occurrence: tick,
      tick,
    }),
  );
  return { verdict: { outcome: "failed", reason, exitCode: EXIT.failed } };
}
