import type { Config } from "../config/config.ts";
import { createAlertsCheck } from "../faults/oracles/alerts.ts";
import { checkSizes } from "../faults/oracles/bounds.ts";
import { createDraftsCheck } from "../faults/oracles/drafts.ts";
import type { Report } from "../faults/oracles/invariant.ts";
import { createLedgerCheck, type LedgerCheck } from "../faults/oracles/ledger.ts";
import { createQueueCheck, type QueueCheck } from "../faults/oracles/queue.ts";
import type { Reader } from "../faults/oracles/reader.ts";
import { createTimeCheck, type TimeCheck } from "../faults/oracles/time.ts";
import { DAY_MS } from "../lib/durations.ts";
import type { World } from "./world/world.ts";

/** Every invariant that can be seen between two things that the agent does. */
export interface Audit {
  ledger: LedgerCheck;
  queue: QueueCheck;
  time: TimeCheck;
  /** `isAtRest`: a tick has ended in good order. */
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
  ): void;
}

/** Puts the oracles together; `approvals` counts how often the operator approved each draft. */
export function createAudit(
  config: Config,
  world: () => World,
  approvals: ReadonlyMap<string, number>,
  report: Report,
): Audit {
  const ledger = createLedgerCheck();
  const queue = createQueueCheck(config.paths.out);
  const time = createTimeCheck();
  const alerts = createAlertsCheck();
  const drafts = createDraftsCheck();
  return {
    ledger,
    queue,
    time,
    check(reader, { wallMs, ...rest }) {
      const step = { ...rest, oldMs: oldest(reader, wallMs) };
      const { receivers } = world();
      ledger.check(reader, report, step);
      queue.check(reader, report, step);
      time.check(reader, step, report);
      alerts.check(reader, receivers.messages(), step.oldMs, report);
      drafts.check(reader, receivers.effects, approvals, report);
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
