import { type Delivered, deliverAlerts } from "../alerts/deliver.ts";
import { recoverIncident } from "../alerts/incidents.ts";
import { createOutbox, type Outbox } from "../alerts/outbox.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../lib/clock.ts";
import { closing } from "../lib/closing.ts";
import type { Log } from "../lib/log.ts";
import { createRedactor } from "../lib/redact.ts";
import { createLog } from "../logs/writer.ts";
import { agingNow } from "../rails/budget-time.ts";
import type { Store } from "../store/store.ts";
import { openState } from "./own-state.ts";

/** How long alerts may take to get out: as long as at the end of a tick. */
const DELIVER_MS = 20_000;

/** What it takes to change the state and to tell of it. */
export interface StateAccess {
  config: Config;
  store: Store;
  outbox: Outbox;
  clock: Clock;
  log: Log;
}

/** What it takes to raise and deliver alerts: no lock, no rails, no model. */
export interface Alerting extends StateAccess {
  /** Sends what is pending, bounded. A worker that does the same meanwhile sends no alert twice. */
  deliver(): Promise<Delivered>;
}

/**
 * Opens the state beside whoever works on it, hands the alerting to `work`, and closes it whatever happens.
 * @throws StoreRefused, or what `work` throws.
 */
export async function withAlerting<T>(
  config: Config,
  machineClock: Clock,
  work: (alerting: Alerting) => Promise<T>,
): Promise<T> {
  return await closing(await openState(config, { clock: machineClock }), (store) =>
    closing(openLog(config, machineClock), async (log) => {
      const clock = store.clockOver(machineClock);
      const redact = createRedactor(config.secrets);
      const outbox = createOutbox({ agent: config.agent, timezone: config.timezone, clock, log, redact });
      const signal = new AbortController().signal;
      const deliver = async () => {
        const agingMs = await agingNow(store.db, clock);
        const channels = config.alerts;
        return await deliverAlerts({ store, channels, clock, agingMs, log, signal, limitMs: DELIVER_MS });
      };
      return await work({ config, store, outbox, log, clock, deliver });
    }),
  );
}

/** The agent's log, for what is done without a database. */
export function openLog(config: Config, clock: Clock): Log & { close(): void } {
  return createLog({
    dir: config.paths.logs,
    clock,
    redact: createRedactor(config.secrets),
    maxBytes: config.retention.logMaxBytes,
  });
}

/** Writes one warning into the agent's log. */
export function logOnce(config: Config, clock: Clock, event: string, fields: Record<string, unknown>): void {
  const log = openLog(config, clock);
  log.event("warn", event, fields);
  log.close();
}

/** Ends the incident of a unit that failed before, since what it runs has just gone well. */
export async function unitSucceeded(store: Store, clock: Clock, unit: string): Promise<void> {
  await store.atomically((trx) =>
    recoverIncident(trx, { event: "unit_failed", subject: unit }, clock.nowMs()),
  );
}
