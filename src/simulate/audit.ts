import type { Config } from "../config/config.ts";
import { createAlertsCheck } from "../faults/oracles/alerts.ts";
import { checkSizes } from "../faults/oracles/bounds.ts";
import { createDraftsCheck } from "../faults/oracles/drafts.ts";
import type { Report } from "../faults/oracles/invariant.ts";
import { createLedgerCheck } from "../faults/oracles/ledger.ts";
import { createQueueCheck } from "../faults/oracles/queue.ts";
import type { Reader } from "../faults/oracles/reader.ts";
import { createTimeCheck } from "../faults/oracles/time.ts";
import { DAY_MS } from "../lib/durations.ts";
import type { World } from "./world/world.ts";

/** Puts the oracles together; `approvals` counts how often the operator approved each draft. */
export function createAudit(
  config: Config,
  { receivers }: Pick<World, "receivers">,
  approvals: ReadonlyMap<string, number>,
  report: Report,
) {
  const ledger = createLedgerCheck(report);
  const queue = createQueueCheck(config.paths.out, report);
  const time = createTimeCheck(report);
  const checkAlerts = createAlertsCheck(report);
  const checkDrafts = createDraftsCheck(report);
  return {
    ledger,
    queue,
    time,
    /**
     * `isAtRest`: a tick has ended in good order. `isWhole`: what takes longer is checked, too. `fromMs` and `toMs`: true
     * time of what was done before.
     */
    check(
      reader: Reader,
      step: {
        isAtRest: boolean;
        isWhole: boolean;
        ticks: number;
        fromMs: number;
        toMs: number;
        wallMs: number;
      },
    ) {
      const how = { ...step, oldMs: oldest(reader, step.wallMs) };
      ledger.check(reader, how);
      queue.check(reader, how);
      time.check(reader, how);
      checkAlerts(reader, receivers.messages(), how.oldMs);
      checkDrafts(reader, receivers.effects, approvals);
      checkSizes(config, reader, step.ticks, report);
    },
  };
}

/** What has ended is kept for 90 days at least, by the earlier of two clocks; a day is left for the time of the day. */
const KEPT_DAYS = 88;

/** What is dated before this may have been removed. */
function oldest(reader: Reader, wallMs: number): number {
  const clock = reader.one<{ latest: number }>("select latest_at as latest from budget_clock where id = 1");
  return Math.min(wallMs, clock?.latest ?? wallMs) - KEPT_DAYS * DAY_MS;
}
