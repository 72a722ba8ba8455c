import { MINUTE_MS } from "../../lib/durations.ts";
import { messageOf } from "../../lib/errors.ts";
import { claim, nextRunAt } from "../../queue/claim.ts";
import { unclaim } from "../../queue/fail.ts";
import type { JobRow } from "../../queue/job.ts";
import type { Dependencies, Uses, WorkIds } from "../dependencies.ts";
import { runJob } from "../job/run-job.ts";
import { publishOutputs } from "./publish-outputs.ts";
import type { PhaseResult } from "./result.ts";

/** A tick claims no further job beyond these, and waits for a retry no longer than that. */
const JOBS_MAX = 100;
const TICK_MS = 50 * MINUTE_MS;
const RETRY_WAIT_MS = MINUTE_MS;
/** So much early, by the wall clock, a timer may end that was set for up to a minute. */
const EARLY_MS = 100;

/**
 * Claims and runs until nothing is due, a rail halts, or the tick's bounds are reached. What each job did is a result, and so
 * is how it all ended; what was done before an error has been handed out by then.
 * @param canPublish false when nothing can be written into `out/`: a disk that does not answer is waited for once a tick.
 */
export async function* drain(
  dependencies: Dependencies,
  ids: WorkIds,
  canPublish: boolean,
): AsyncGenerator<PhaseResult> {
  const { store, clock, rails } = dependencies;
  const { signal } = rails.watch;
  // By the uptime: a clock that is set back in the middle must not make the tick longer.
  const endsAt = clock.uptimeMs() + TICK_MS;
  const halted = new Set<string>();
  const failed = new Map<string, { error: unknown; exitCode: number }>();
  let verdict: PhaseResult["verdict"];
  let count = 0;
  const goesOn = () => count < JOBS_MAX && clock.uptimeMs() < endsAt && !signal.aborted;
  // What is claimed with the end of another job, and not begun.
  let next: JobRow | undefined;
  try {
    while (goesOn()) {
      next ??=
        (await claim(store.db, ids.runner, clock.nowMs())) ??
        (await waitForRetry(dependencies, ids.runner, endsAt));
      if (next === undefined) break;
      // The jobs behind one that was halted have had their turn: every one that is left is one that a rail stops. Or the
      // switch was set meanwhile, which a guard that cannot start does too.
      if (halted.has(next.id) || signal.aborted) break;
      const job = next;
      next = undefined;
      count += 1;
      const attempt = await runJob(dependencies, job, ids, goesOn);
      failed.delete(job.id);
      if (attempt.type === "done") {
        next = attempt.next;
        // A tick whose jobs had nothing to do was idle: it is no evidence of work that gives nothing.
        if (!attempt.isIdle) verdict ??= { outcome: "ok", reason: null };
        yield { units: attempt.units };
        if (!canPublish) continue;
        const published = await publishOutputs(dependencies);
        canPublish = published.unwritable === null;
        yield published;
      } else if (attempt.type === "halted") {
        halted.add(job.id);
        verdict = { outcome: "halted", reason: attempt.reason.message };
      } else if (attempt.type === "failed") failed.set(job.id, attempt);
    }
  } finally {
    if (next !== undefined) await giveBack(dependencies, next);
  }
  if (signal.aborted) verdict = { outcome: "halted", reason: messageOf(signal.reason) };
  const last = [...failed.values()].at(-1);
  if (last !== undefined)
    verdict = { outcome: "failed", reason: messageOf(last.error), exitCode: last.exitCode };
  if (verdict !== undefined) yield { verdict };
}

/** Ready again in its place, its attempt not counted: it was claimed and not begun. */
async function giveBack({ store, clock }: Uses<"store" | "clock">, job: JobRow): Promise<void> {
  const reason = job.error ?? "the tick ended before its turn";
  const { run_at: runAt } = job;
  await store.atomically((trx) => unclaim(trx, job, reason, runAt, clock.nowMs()));
}

/** A retry that falls due soon is waited for; a later one is the next tick's. */
async function waitForRetry(
  { store, clock, rails }: Uses<"store" | "clock" | "rails">,
  runner: string,
  endsAt: number,
): Promise<JobRow | undefined> {
  const runAt = await nextRunAt(store.db);
  if (runAt === undefined) return undefined;
  const { signal } = rails.watch;
  const leftMs = () => runAt - clock.nowMs();
  const waitMs = Math.max(1, leftMs());
  if (waitMs > RETRY_WAIT_MS || clock.uptimeMs() + waitMs > endsAt) return undefined;
  // The sleep rejects when the kill switch is set; the caller looks at the signal next.
  await clock.sleep(waitMs, signal).catch(() => undefined);
  // Else it would have waited for nothing.
  const restMs = leftMs();
  if (restMs > 0 && restMs <= EARLY_MS) await clock.sleep(restMs + 1, signal).catch(() => undefined);
  if (signal.aborted) return undefined;
  return await claim(store.db, runner, clock.nowMs());
}
