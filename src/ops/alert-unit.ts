import { join } from "node:path";
import { keyOf } from "../alerts/events.ts";
import type { Notice } from "../alerts/outbox.ts";
import { systemClock, toIso } from "../lib/clock.ts";
import { HOUR_MS } from "../lib/durations.ts";
import { messageOf } from "../lib/errors.ts";
import { readLogs } from "../logs/read.ts";
import { type AlertSources, alertAnyway } from "./direct-alert.ts";

/** A unit as systemd reports it: `$MONITOR_UNIT`, `$MONITOR_SERVICE_RESULT`, `$MONITOR_EXIT_STATUS`. */
export interface FailedUnit {
  unit: string;
  result: string;
  status: string;
  /** `$MONITOR_INVOCATION_ID`: one failure that is reported twice is then one alert. Without it what fails the same way is one an hour. */
  invocation: string | undefined;
}

/** What became of the alert. */
export interface UnitAlert {
  key: string;
  /** True when the state could not be used and the channels were asked directly. */
  direct: boolean;
  sent: number;
  /** What could not be sent; through the outbox, later ticks try it again. */
  failed: number;
  /** The channels were told the same before, and are left in peace. */
  isKnown: boolean;
  problem: string | null;
}

/**
 * Announces a unit that failed: through the outbox, and at once. Where configuration or database cannot be used, which
 * may be why the unit failed, it asks the channels directly.
 */
export async function alertUnitFailed(sources: AlertSources, failed: FailedUnit): Promise<UnitAlert> {
  const nowMs = (sources.clock ?? systemClock).nowMs();
  const notice = noticeOf(failed, toIso(nowMs));
  const key = keyOf(notice);
  return await alertAnyway<UnitAlert>(
    sources,
    async ({ store, outbox, deliver }) => {
      await store.atomically((trx) => outbox.announce(trx, notice));
      await deliver();
      const deliveries = await store.db
        .selectFrom("alert_deliveries")
        .innerJoin("alerts", "alerts.id", "alert_deliveries.alert_id")
        .select("alert_deliveries.state")
        .where("alerts.key", "=", key)
        .execute();
      const sent = deliveries.filter(({ state }) => state === "sent").length;
      return { key, direct: false, sent, failed: deliveries.length - sent, isKnown: false, problem: null };
    },
    async ({ state, redact, log, send }, error) => {
      const problem = redact(messageOf(error));
      const isKnown = wasSent(join(state, "logs"), key, nowMs);
      log.event("error", "unit_failed", { unit: failed.unit, key, error: problem });
      const also = "Its configuration or its state cannot be used now; afk doctor says which.";
      const notSent = { sent: 0, failed: 0 };
      const counts = isKnown ? notSent : await send({ ...notice, message: `${notice.message} ${also}` });
      return { key, direct: true, ...counts, isKnown, problem };
    },
  );
}

/** What the outbox cannot remember now the log does. Where that cannot be read it is told again: silence would be worse. */
function wasSent(logs: string, key: string, nowMs: number): boolean {
  try {
    const sent = readLogs({ dir: logs, events: ["alert_sent"], sinceMs: nowMs - HOUR_MS, limit: LINES_MAX });
    return [...sent].some(({ line }) => line.key === key);
  } catch {
    return false;
  }
}

/** Of an hour's alerts so many of the newest are looked through. */
const LINES_MAX = 500;

function noticeOf({ unit, result, status, invocation }: FailedUnit, at: string): Notice {
  const name = plain(unit, 120);
  const [ended, code, run] = [plain(result, 40), plain(status, 40), plain(invocation ?? "", 64)];
  return {
    event: "unit_failed",
    title: `${name} failed`,
    message:
      `${sentenceOf(ended, code)} ` +
      `What it had begun is kept and taken up by the next run; the caps and the kill switch hold. Look: ${lookOf(name)}`,
    // The state is one agent's, so that of its instance it is the same unit.
    subject: name.replace(/@[^.]*/, ""),
    occurrence: run === "unknown" ? `${at.slice(0, "YYYY-MM-DDTHH".length)}:${ended}:${code}` : run,
  };
}

/** What cron ran has no journal. */
function lookOf(name: string): string {
  return /\.(?:service|timer|path|slice)$/.test(name) ? `journalctl -u ${name} -n 50` : "afk logs --since 2h";
}

/** systemd's words for how a service ended (systemd.exec(5), $SERVICE_RESULT), and afk's exit codes. */
function sentenceOf(result: string, status: string): string {
  switch (result) {
    case "timeout":
      return "It ran longer than it may and was killed (timeout).";
    case "oom-kill":
      return "The machine ran out of memory, and it was killed (oom-kill).";
    case "signal":
    case "core-dump":
      return `It was ended by a signal (${result}, ${status}).`;
    case "start-limit-hit":
      return "It was started too often and is not started again (start-limit-hit).";
    case "exit-code":
      return `It ended with exit code ${status}: ${REASONS[status] ?? "see its journal"}.`;
    default:
      return `Its result is ${result}, its status ${status}.`;
  }
}

/** What the exit codes of afk and of the container engine mean. */
const REASONS: Record<string, string> = {
  "1": "a job or the tick failed",
  "2": "its command line is wrong",
  "66": "there is no agent: neither its configuration nor its state is there",
  "69": "a dependency is down",
  "75": "another tick was at work",
  "78": "the configuration was refused, and nothing runs until it is mended",
  "125": "the container engine could not start the container",
  "126": "its command cannot be run",
  "127": "its command was not found",
  "137": "it was killed",
};

/** The alerting must not fail by an odd value: what is empty is unknown, what no unit has in its name is left out. */
function plain(text: string, lengthMax: number): string {
  const kept = text.replace(/[^\w:.@\\-]/g, "").slice(0, lengthMax);
  return kept === "" ? "unknown" : kept;
}
