import { HOUR_MS } from "../../lib/durations.ts";
import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

/** The longest that a delivery is put off. */
const DELIVERY_WAIT_MS = 48 * HOUR_MS;

/** Once everything is right again and a day has passed, nothing may wait that somebody expects. */
export function checkEnd(
  reader: Reader,
  now: { wallMs: number; wasRefused: boolean; breakerMaxMs: number },
  report: Report,
): void {
  const { wallMs } = now;
  const hours = (ms: number) => Math.round(ms / HOUR_MS);
  const waiting = "select key, run_at as runAt from jobs where state in ('ready', 'running')";
  for (const { key, runAt } of reader.all<{ key: string; runAt: number }>(waiting)) {
    const waitMs = runAt - wallMs;
    if (waitMs > now.breakerMaxMs + HOUR_MS)
      report("once", `job ${key} waits for ${hours(waitMs)} hours more, though nothing is in its way`);
    else if (waitMs < -HOUR_MS && !now.wasRefused)
      report("once", `job ${key} has been due for ${hours(-waitMs)} hours, and nobody does it`);
  }
  const unsent =
    "select key, next_at as nextAt from alert_deliveries join alerts on alerts.id = alert_id where state = 'pending'";
  for (const { key, nextAt } of reader.all<{ key: string; nextAt: number }>(unsent)) {
    if (nextAt > wallMs + DELIVERY_WAIT_MS || nextAt < wallMs - 2 * HOUR_MS)
      report("alerts", `the alert ${key} is due at ${new Date(nextAt).toISOString()}, and nobody sends it`);
  }
}
