import { toIso } from "../../lib/clock.ts";
import { EXIT, messageOf } from "../../lib/errors.ts";
import { formatUsd } from "../../lib/money.ts";
import { listLogFiles } from "../../logs/files.ts";
import { linesBackward } from "../../logs/lines.ts";
import { type Condition, readCondition } from "../../ops/condition/condition.ts";
import { isFit, verdictLine } from "../../ops/condition/finding.ts";
import { observe } from "../../ops/worker.ts";
import type { Kill } from "../../rails/halt.ts";
import { readStop } from "../../rails/kill.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import type { Uses } from "../dependencies.ts";
import type { TickRecord } from "../tick-record.ts";
import { PING_TIMEOUT_MS, type Ping, type TickReport } from "./ping.ts";

/** So many lines of the log go with a ping, the newest. */
const LINES_MAX = 100;
/** Other processes write to the same log; the tick's own are searched among so many. */
const READ_MAX = 2_000;

/** A kill in the middle of the tick leaves the ping so much time: the process must be gone. */
const KILLED_TIMEOUT_MS = 1_000;

/** A tick that ended; `isFit` is false when no work may be begun although nothing was stopped: the disk is nearly full. */
type EndedTick = TickRecord & { outputs: readonly string[]; exitCode: number; isFit: boolean };

/**
 * Off the machine too, on real progress only: it is the end of a tick that pings. A process that is told to end says
 * nothing: the next tick will, and if none comes, that is what the service is for. Never throws.
 */
export async function pingTick(
  dependencies: Uses<"config" | "rails" | "store" | "outbox" | "clock" | "log">,
  ping: Ping,
  ended: EndedTick,
  isKilled: boolean,
): Promise<void> {
  const { config, rails, store, clock, log } = dependencies;
  const { pingUrl, style } = config.heartbeat;
  if (pingUrl === null || rails.watch.terminated.aborted) return;
  try {
    const observed = await observe(config, clock);
    const condition = await readCondition({ config, db: store.db, clock }, observed);
    const report = await reportOf(dependencies, { ended, condition, kill: await readStop(rails) });
    if (report === null) return;
    const error = await ping.end(report, { timeoutMs: isKilled ? KILLED_TIMEOUT_MS : PING_TIMEOUT_MS });
    // Since when pings fail, for status; 0 once one was taken again.
    const since = await readMeta(store.db, "ping_failed_at");
    if (since > 0 === (error !== null)) return;
    await store.atomically((trx) => writeMeta(trx, "ping_failed_at", error === null ? 0 : clock.nowMs()));
  } catch (error) {
    log.event("warn", "ping_failed", { style, error: messageOf(error) });
  }
}

/**
 * What a tick that ended has to say outside; null for nothing. A stop is reported once, at the moment it is seen: a check
 * that goes down then is expected by whoever stopped the agent, while one that goes overdue hours later wakes people.
 */
async function reportOf(
  { config, store, outbox }: Uses<"config" | "store" | "outbox">,
  { ended, condition, kill }: { ended: EndedTick; condition: Condition; kill: Kill | null },
): Promise<TickReport | null> {
  const { outcome, exitCode } = ended;
  if (kill !== null) {
    if ((await readMeta(store.db, "stop_pinged_at")) === kill.at) return null;
    await store.atomically((trx) => writeMeta(trx, "stop_pinged_at", kill.at));
  }
  const isFailed = outcome === "failed" || !ended.isFit || !isFit(condition.findings);
  const state = kill !== null ? "stopped" : isFailed ? "failed" : "well";
  const summary = outbox.redact(summaryOf(config.agent, ended, { condition, kill }));
  return {
    state,
    exitCode: state === "failed" && exitCode === EXIT.ok ? EXIT.failed : exitCode,
    summary,
    body: `${summary}\n\n${linesOf(config.paths.logs, ended.tick)}`,
    durationMs: ended.finishedAt - ended.startedAt,
  };
}

function summaryOf(
  agent: string,
  ended: EndedTick,
  { condition, kill }: { condition: Condition; kill: Kill | null },
): string {
  if (kill !== null) return `${agent} was stopped on purpose: ${kill.reason}`;
  const { outcome, reason, units, costMicros, nextDueAt, outputs } = ended;
  const figures = [
    `${agent}: tick ${outcome}${reason === null ? "" : ` (${reason})`}`,
    verdictLine(condition),
    `${units} units`,
    formatUsd(costMicros),
    ...(outputs.length === 0 ? [] : [`wrote ${outputs.slice(0, 5).join(", ")}`]),
    ...(nextDueAt === null ? [] : [`next due ${toIso(nextDueAt)}`]),
  ];
  return figures.join("; ");
}

/** The newest lines of the tick, oldest first. The log is redacted as it is written. */
function linesOf(logs: string, tick: string): string {
  const lines: string[] = [];
  let read = 0;
  for (const { path } of listLogFiles(logs).reverse()) {
    for (const { raw } of linesBackward(path)) {
      const isOfTick = raw.includes(JSON.stringify(tick));
      if (isOfTick) lines.unshift(raw);
      read += 1;
      const isFirst = isOfTick && raw.includes('"tick_started"');
      if (isFirst || read >= READ_MAX || lines.length >= LINES_MAX) return lines.join("\n");
    }
  }
  return lines.join("\n");
}
