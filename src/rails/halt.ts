import { toIso } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { AfkError, EXIT } from "../lib/errors.ts";
import { capWords, formatAmount, ownerWords, spanWords, type WindowName } from "../lib/windows.ts";
import type { CapRefusal } from "./budget-notices.ts";

/**
 * What set the kill switch. `signal` is this process being told to end, `database` that nobody could look whether the switch is
 * set; neither outlives the process.
 */
export interface Kill {
  by: "file" | "row" | "signal" | "database";
  at: number;
  /** Tells this setting of the switch from another one at the same moment, where something does. */
  setting?: string;
  reason: string;
  /** What is to be done, where `afk resume` would not help. */
  remedy?: string;
}

/** A rail stopped the work on purpose: an ordinary outcome, exit 0; 69 where the database is away, so that the process is started again. */
export class Killed extends AfkError {
  readonly kill: Kill;

  constructor(kill: Kill) {
    const remedy = kill.remedy ?? "`afk resume` clears it";
    super("killed", `stopped by the kill switch (${kill.by}): ${kill.reason}; ${remedy}`, {
      exitCode: kill.by === "database" ? EXIT.unavailable : EXIT.ok,
    });
    this.kill = kill;
  }
}

/** Whether it outlives the process, and is told of. */
export function isLasting({ by }: Kill): boolean {
  return by === "file" || by === "row";
}

/** A window's cap has no room for the call: an ordinary outcome, exit 0. */
export class CapReached extends AfkError {
  readonly window: WindowName;
  readonly refusal: CapRefusal;

  constructor(refusal: CapRefusal) {
    const { amount, cap, estimate, spent } = refusal;
    super(
      "cap_hit",
      cap === 0
        ? `the ${capWords(refusal)} of ${formatAmount(amount, cap)} has no room for any call, not even a free one; raise it`
        : `the ${capWords(refusal)} of ${formatAmount(amount, cap)} has no room for a call of at most ` +
            `${formatAmount(amount, estimate)} (${formatAmount(amount, spent)} spent or reserved ${spanWords(refusal)})`,
      { exitCode: EXIT.ok },
    );
    this.window = refusal.window;
    this.refusal = refusal;
  }
}

/** A cap has no room for what the program of a run asks: an ordinary outcome, exit 0. The run begins again after `retry`. */
export class RunCapped extends AfkError {
  readonly afterMs: number;
  /** The cap, where it is known which. */
  readonly refusal: CapRefusal | null;

  constructor(message: string, afterMs: number, refusal: CapRefusal | null = null) {
    super("cap_hit", message, { retry: { afterMs }, exitCode: EXIT.ok });
    this.afterMs = afterMs;
    this.refusal = refusal;
  }
}

/** Until a person has cleared it, asking again sooner helps nobody. */
const BLOCKED_RETRY_MS = 5 * MINUTE_MS;

/**
 * What the call depends on is broken and is not called until an instant, or refused until a person clears it. Exit 69 when
 * nothing else could answer.
 */
export class BreakerOpen extends AfkError {
  constructor(name: string, refusal: { until: number; reason?: string } | { reason: string }, nowMs: number) {
    const isBlocked = !("until" in refusal);
    const owner = ownerWords(name);
    const message = isBlocked
      ? `${owner ?? name} is refused until you run afk resume: ${refusal.reason}`
      : owner !== null
        ? `${owner} is refused until ${toIso(refusal.until)}: ${refusal.reason ?? "it ran away before"}`
        : `${name} is not called until ${toIso(refusal.until)}, since ${refusal.reason ?? "it failed before"}`;
    const afterMs = isBlocked ? BLOCKED_RETRY_MS : Math.max(1_000, refusal.until - nowMs);
    super("breaker_open", message, { retry: { afterMs }, exitCode: EXIT.unavailable });
  }
}

/** In a fleet, what asked has lost the right to: its machine's lease, or its claim on the job. Nothing was reserved. Exit code 69. */
export class MachineLost extends AfkError {
  constructor(message: string) {
    super("machine_lost", message, { exitCode: EXIT.unavailable });
  }
}

/** True for a rail's refusal that ends the tick without being a failure. */
export function isHalt(error: unknown): error is Killed | CapReached | RunCapped | MachineLost {
  return (
    error instanceof Killed ||
    error instanceof CapReached ||
    error instanceof RunCapped ||
    error instanceof MachineLost
  );
}
