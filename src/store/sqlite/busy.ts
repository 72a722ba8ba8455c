import { pause, systemClock } from "../../lib/clock.ts";
import { isLockedOut } from "./errors.ts";

/** A job's lease lasts as long (queue/job.ts): what was paid for is not given up while nobody else may have the job. */
export const BUSY_PATIENCE_MS = 30_000;
/**
 * How long SQLite itself waits, which stops everything else in this process: as long as most transactions of other processes
 * last. What takes longer is waited for by `whileBusy`, beside which the kill switch is seen.
 */
export const BUSY_TIMEOUT_MS = 50;
const RETRY_MS = 20;

/**
 * Does `work`, and again for as long as another program holds the database, up to `patienceMs`. What was refused so has done
 * nothing. Throws what the last try threw.
 */
export async function whileBusy<T>(patienceMs: number, work: () => T | Promise<T>): Promise<T> {
  // Asked for once there is something to wait for: the usual statement has no use for the time.
  let giveUpAtMs: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLockedOut(error)) throw error;
      giveUpAtMs ??= systemClock.uptimeMs() + patienceMs;
      if (systemClock.uptimeMs() >= giveUpAtMs) throw error;
    }
    await pause(RETRY_MS).over;
  }
}
