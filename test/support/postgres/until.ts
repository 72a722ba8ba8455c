import { setTimeout as pause } from "node:timers/promises";

const WAIT_MS_MAX = 60_000;
const POLL_MS = 5;

/** Looks until it is so. Throws when it is not in a minute, which is long for all that the servers of tests do. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await pause(POLL_MS);
  }
}
