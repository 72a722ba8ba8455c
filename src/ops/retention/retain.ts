import type { Config } from "../../config/config.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { HOUR_MS } from "../../lib/durations.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import type { Store } from "../../store/store.ts";
import { readAges } from "./ages.ts";
import { alertsSweep } from "./alerts.ts";
import { answersSweep } from "./answers.ts";
import {
  breakersSweep,
  draftsSweep,
  grantsSweep,
  memorySweep,
  messagesSweep,
  pagesSweep,
  printedSweep,
  questionsSweep,
  seenSweep,
  wrongCodesSweep,
} from "./forget.ts";
import { jobsSweep } from "./jobs.ts";
import { ledgerSweep } from "./ledger.ts";
import { resultsSweep } from "./results.ts";
import { stepsSweep } from "./steps.ts";
import { type Ages, idAt, instantOf, type Sweep } from "./sweep.ts";
import { ticksSweep } from "./ticks.ts";

interface RetentionSources {
  store: Store;
  config: Config;
  clock: Clock;
  /** Ends it between two steps. */
  signal: AbortSignal;
  /** Fewer steps than usual. */
  stepsMax?: number;
}

/** Rows that were removed, by sweep; those that removed none are left out. */
type Retained = Record<string, number>;

/** A pass over everything is begun no more often. One that was not finished goes on with every tick. */
const EVERY_MS = HOUR_MS;
/**
 * Bounds of one tick's part. A step takes some milliseconds, so the time is what ends a long one; nobody looks at the STOP
 * file meanwhile.
 */
const STEPS_MAX = 400;
const LIMIT_MS = 1_000;
/** Between two steps, so that a process that waits for the database gets it. */
const PAUSE_MS = 5;

/** What is rolled up or removed before what it refers to. */
const SWEEPS: readonly Sweep[] = [
  ledgerSweep,
  stepsSweep,
  answersSweep,
  draftsSweep,
  questionsSweep,
  resultsSweep,
  jobsSweep,
  alertsSweep,
  ticksSweep,
  seenSweep,
  memorySweep,
  messagesSweep,
  grantsSweep,
  wrongCodesSweep,
  pagesSweep,
  breakersSweep,
  printedSweep,
];

/** Whether a pass may begin, or one goes on that was not finished. */
export async function isRetentionDue({ store, clock }: Pick<RetentionSources, "store" | "clock">) {
  const sinceMs = clock.nowMs() - (await readMeta(store.db, "retained_at"));
  return sinceMs < 0 || sinceMs >= EVERY_MS;
}

/**
 * A bounded part of keeping the database small: takes a step at each table in turn, every step a transaction of its own,
 * until each has seen its end or the tick's part is done. A crash between any two leaves every total as it was. Throws what
 * kept a step from being taken, once the others had their turn.
 */
export async function retain(sources: RetentionSources): Promise<Retained> {
  const { store, config, clock, signal, stepsMax = STEPS_MAX } = sources;
  const removed: Retained = {};
  if (signal.aborted || !(await isRetentionDue(sources))) return removed;
  const ages = await readAges(store.db, config, clock);
  const progress = await readProgress(store);
  const endsAt = systemClock.uptimeMs() + LIMIT_MS;
  const failures: unknown[] = [];
  const turns = progress.filter(({ after }) => after !== null);
  let isFinished = false;
  for (
    let steps = 0;
    !isFinished && steps < stepsMax && !signal.aborted && systemClock.uptimeMs() < endsAt;
  ) {
    const current = turns.shift();
    const count =
      current === undefined ? await store.health.shrink() : await step(store, current, ages, failures);
    const name = current?.sweep.name ?? "freePages";
    isFinished = current === undefined && count === 0;
    if (count > 0) {
      removed[name] = (removed[name] ?? 0) + count;
      await systemClock.sleep(PAUSE_MS, signal).catch(() => undefined);
    }
    // A table in which nothing is old was asked one question, which is no step.
    if (count > 0 || (current !== undefined && current.after !== null)) steps += 1;
    if (current !== undefined && current.after !== null) turns.push(current);
  }
  // Rows that must stay would else be looked at again by every tick, and keep it from those behind them.
  await store.atomically(async (trx) => {
    if (isFinished) await writeMeta(trx, "retained_at", clock.nowMs());
    for (const { sweep, after } of progress) {
      const seen = after === null ? SEEN_ALL : instantOf(after);
      await writeMeta(trx, `sweep_${sweep.name}`, isFinished ? 0 : seen);
    }
  });
  if (failures.length > 0) throw failures[0];
  return removed;
}

/** How far a sweep has got; null once it has seen the end. */
interface Progress {
  sweep: Sweep;
  after: string | null;
}

/** A step that fails has changed nothing; its table is left until the next pass, and the others go on. */
async function step(store: Store, current: Progress, ages: Ages, failures: unknown[]): Promise<number> {
  try {
    const swept = await store.atomically((trx) => current.sweep.step(trx, ages, current.after ?? ""));
    current.after = swept.next;
    return swept.removed;
  } catch (error) {
    failures.push(error);
    current.after = null;
    return 0;
  }
}

/** What a pass that was not finished has seen: the instant in the last id, or that there is nothing more. */
const SEEN_ALL = -1;

async function readProgress(store: Store): Promise<Progress[]> {
  const progress: Progress[] = [];
  for (const sweep of SWEEPS) {
    const seen = await readMeta(store.db, `sweep_${sweep.name}`);
    progress.push({ sweep, after: seen === SEEN_ALL ? null : seen === 0 ? "" : idAt(seen) });
  }
  return progress;
}
