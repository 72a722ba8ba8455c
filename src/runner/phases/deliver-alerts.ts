import { deliverAlerts } from "../../alerts/deliver.ts";
import { messageOf } from "../../lib/errors.ts";
import { agingNow } from "../../rails/budget-time.ts";
import type { Uses } from "../dependencies.ts";

/** How long alerts may take to get out, at each end of a tick; and when the kill switch was set in the middle of it. */
const LIMIT_MS = 20_000;
const LIMIT_KILLED_MS = 1_000;

/**
 * Sends the alerts that wait. A kill switch does not silence them, but they get little time then, since the process must be
 * gone. What goes wrong is logged and tried again by the next tick.
 */
export async function deliverWaitingAlerts(
  { config, store, clock, log }: Uses<"config" | "store" | "clock" | "log">,
  signal: AbortSignal,
  isKilled = false,
): Promise<void> {
  const limitMs = isKilled ? LIMIT_KILLED_MS : LIMIT_MS;
  try {
    const agingMs = await agingNow(store.db, clock);
    await deliverAlerts({ store, channels: config.alerts, clock, agingMs, log, signal, limitMs });
  } catch (error) {
    log.event("error", "alert_failed", { error: messageOf(error) });
  }
}
