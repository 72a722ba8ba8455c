import { toIso } from "../../lib/clock.ts";
import { EXIT } from "../../lib/errors.ts";
import { formatUsd } from "../../lib/money.ts";
import { listLogFiles } from "../../logs/files.ts";
import { linesBackward } from "../../logs/lines.ts";
import type { Kill } from "../../rails/halt.ts";
import { readMeta, writeMeta } from "../../store/meta.ts";
import type { Parts } from "../parts.ts";
import type { TickRecord } from "../tick-record.ts";
import type { Beat } from "./ping.ts";

/** So many lines of the log go with a ping, the newest. */
const LINES_MAX = 100;
/** Other processes write to the same log; among so many lines the tick's own are looked for. */
const LOOKED_MAX = 2_000;

export interface Ended {
  record: TickRecord;
  outputs: readonly string[];
  exitCode: number;
  /** A durable stop that the tick has seen; null for none. */
  kill: Kill | null;
  /** False when no work may be begun although nothing was stopped: the disk is nearly full. */
  isFit: boolean;
}

/**
 * What a tick that ended has to say outside; null for nothing. A stop is told of once, at the moment it is seen: a check
 * that goes down then is expected by whoever stopped the agent, while one that goes overdue hours later wakes people.
 */
export async function beatOf(parts: Parts, ended: Ended): Promise<Beat | null> {
  const { record, kill, isFit, exitCode } = ended;
  if (kill !== null && !(await isNews(parts, kill))) return null;
  const state = kill !== null ? "stopped" : record.outcome === "failed" || !isFit ? "failed" : "well";
  const summary = summaryOf(parts, ended);
  return {
    state,
    exitCode: state === "failed" && exitCode === EXIT.ok ? EXIT.failed : exitCode,
    summary,
    body: `${summary}\n\n${linesOf(parts, record)}`,
    durationMs: record.finishedAt - record.startedAt,
  };
}

/** Since when pings fail, for whoever looks; 0 once one was taken again. */
export async function rememberPing({ store, clock }: Parts, hasFailed: boolean): Promise<void> {
  const since = await readMeta(store.db, "ping_failed_at");
  if (since > 0 === hasFailed) return;
  await store.atomically((trx) => writeMeta(trx, "ping_failed_at", hasFailed ? clock.nowMs() : 0));
}

async function isNews(parts: Parts, kill: Kill): Promise<boolean> {
  const { store } = parts;
  if ((await readMeta(store.db, "stop_pinged_at")) === kill.at) return false;
  await store.atomically((trx) => writeMeta(trx, "stop_pinged_at", kill.at));
  return true;
}

function summaryOf({ config, outbox }: Parts, { record, outputs, kill }: Ended): string {
  if (kill !== null) return outbox.redact(`${config.agent} was stopped on purpose: ${kill.reason}`);
  const { outcome, reason, units, costMicros, nextDueAt } = record;
  const parts = [
    `${config.agent}: tick ${outcome}${reason === null ? "" : ` (${reason})`}`,
    `${units} units`,
    formatUsd(costMicros),
    ...(outputs.length === 0 ? [] : [`wrote ${outputs.slice(0, 5).join(", ")}`]),
    ...(nextDueAt === null ? [] : [`next due ${toIso(nextDueAt)}`]),
  ];
  return outbox.redact(parts.join("; "));
}

/** The newest lines of the tick, oldest first. The log is redacted as it is written. */
function linesOf({ config }: Parts, { tick }: TickRecord): string {
  const lines: string[] = [];
  let looked = 0;
  for (const { path } of listLogFiles(config.paths.logs).reverse()) {
    for (const { raw } of linesBackward(path)) {
      looked += 1;
      if (looked > LOOKED_MAX || lines.length >= LINES_MAX) return lines.reverse().join("\n");
      if (!raw.includes(JSON.stringify(tick))) continue;
      lines.push(raw);
      if (raw.includes('"tick_started"')) return lines.reverse().join("\n");
    }
  }
  return lines.reverse().join("\n");
}
