import type { Config } from "../config/config.ts";
import { DAY_MS } from "../lib/durations.ts";
import { createAlertsCheck } from "./checks/alerts.ts";
import type { Books } from "./checks/books.ts";
import { checkSizes } from "./checks/bounds.ts";
import { createDraftsCheck } from "./checks/drafts.ts";
import type { Report } from "./checks/invariant.ts";
import { createLedgerCheck, type LedgerCheck } from "./checks/ledger.ts";
import { createQueueCheck, type QueueCheck } from "./checks/queue.ts";
import { createTimeCheck, type TimeCheck } from "./checks/time.ts";
import type { World } from "./world/world.ts";

/** Every invariant that can be seen between two things that the agent does. */
export interface Audit {
  ledger: LedgerCheck;
  queue: QueueCheck;
  time: TimeCheck;
  /** `isAtRest`: a tick has ended in good order. */
  check(
    books: Books,
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
    check(books, { wallMs, ...rest }) {
      const step = { ...rest, oldMs: oldest(books, wallMs) };
      const { receivers } = world();
      ledger.check(books, report, step);
      queue.check(books, report, step);
      time.check(books, step, report);
      alerts.check(books, receivers.messages, step.oldMs, report);
      drafts.check(books, receivers.effects, approvals, report);
      checkSizes(config, books, step.ticks, report);
    },
  };
}

/** What has ended is kept for 90 days at least, by the earlier of two clocks; a day is left for the time of the day. */
const KEPT_DAYS = 88;

/** What is dated before this may have been removed. */
function oldest(books: Books, wallMs: number): number {
  const clock = books.one<{ latest: number }>("select latest_at as latest from budget_clock where id = 1");
  return Math.min(wallMs, clock?.latest ?? wallMs) - KEPT_DAYS * DAY_MS;
}
