import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Delivered } from "../../alerts/deliver.ts";
import { keyOf } from "../../alerts/events.ts";
import type { Notice } from "../../alerts/outbox.ts";
import { ConfigError } from "../../config/errors.ts";
import { EXIT, messageOf } from "../../lib/errors.ts";
import { withLocalTimes } from "../../lib/local-time.ts";
import { asSentence, endOfError } from "../../lib/text.ts";
import { isReachable } from "../../store/reachable.ts";
import { type Alerting, unitSucceeded } from "../alerting.ts";
import { readCondition } from "../condition/condition.ts";
import { type Finding, isFit, type Verdict, verdictLine } from "../condition/finding.ts";
import { type AlertSources, alertAnyway, type LastResort } from "../direct-alert.ts";
import { keepFile, readIfThere } from "../record-file.ts";
import { observe } from "../worker.ts";
import type { WatchNotice } from "./heartbeat.ts";

/** What the watchdog found. `exitCode` is that of `afk health`: 0 when the agent is fit to work or stopped on purpose. */
export interface WatchdogReport {
  exitCode: number;
  /** Why the agent is stopped; a stopped agent is silent on purpose, and so is its watchdog. */
  killed: string | null;
  /** What the whole state amounts to, and why, in a line and one by one; null where it cannot be read. */
  condition: { verdict: Verdict; line: string; findings: Finding[] } | null;
  /** What it alerts of by itself: what is more than this is told of by whatever found it. */
  findings: { event: string; title: string; message: string; key: string }[];
  /** Titles of what was announced before and is over. */
  recovered: string[];
  /** Of this run: pending alerts of others are delivered too, since the worker may be dead. */
  alerts: Delivered;
}

/**
 * Checks whether the agent does its work, alerts when it does not, and delivers what is pending. Takes no lock, calls no
 * model and works beside a worker. Never throws for what is wrong with configuration or state: that is told too.
 */
export async function runWatchdog(sources: AlertSources): Promise<WatchdogReport> {
  return await alertAnyway(sources, watch, reportUnusable);
}

async function watch(alerting: Alerting): Promise<WatchdogReport> {
  const { config, store, outbox } = alerting;
  const observed = await observe(config, alerting.clock);
  const condition = await readCondition({ config, db: store.db, clock: alerting.clock }, observed);
  const { kill, notices: findings } = condition;
  const isWell = isFit(condition.findings);
  // A folder that does not answer would keep this process from telling of anything.
  const hasFile = await isReachable(config.paths.out);
  const unusableAt = hasFile ? quietly(() => toldDirectlyAt(config.paths.out)) : null;
  const usable = unusableAt === null ? [] : [usableAgain(unusableAt)];
  await store.atomically(async (trx) => {
    for (const notice of [...findings, ...usable]) await outbox.announce(trx, notice, "quiet");
  });
  const recovered = usable.map(({ title }) => title);
  if (kill === null) recovered.push(...(await announceRecovered(alerting, findings)));
  if (hasFile) setFile(alerting, findings);
  if (isWell) await unitSucceeded(store, alerting.clock, "afk-watchdog.service");
  return {
    exitCode: isWell ? EXIT.ok : EXIT.failed,
    killed: kill?.reason ?? null,
    condition: { verdict: condition.verdict, line: verdictLine(condition), findings: condition.findings },
    findings: findings.map(reported),
    recovered,
    alerts: await alerting.deliver(),
  };
}

function reported(finding: Notice): WatchdogReport["findings"][number] {
  const { event, title, message } = finding;
  return { event, title, message, key: keyOf(finding) };
}

/** The alert is on its way already: that a file cannot be written is logged and changes nothing. */
function setFile({ config, log, outbox }: Alerting, findings: readonly WatchNotice[]): void {
  const { out } = config.paths;
  try {
    const plain = (text: string) => withLocalTimes(outbox.redact(text), config.timezone);
    const told = findings.map(({ title, message, ...finding }) => {
      return { ...finding, title: plain(title), message: plain(message) };
    });
    if (told.length === 0) rmSync(join(out, ALERT_FILE), { force: true });
    else keepFile(out, ALERT_FILE, alertText(config.agent, told));
  } catch (error) {
    log.event("error", "alert_file_failed", { error: messageOf(error) });
  }
}

/**
 * The outbox is not there, so the channels are asked directly. What was told is remembered in ALERT.txt, where that can
 * be written; where not, it is told at every run, since silence would be worse.
 */
async function reportUnusable(
  { state, redact, log, send }: LastResort,
  error: unknown,
): Promise<WatchdogReport> {
  const isConfig = error instanceof ConfigError;
  const finding = {
    event: "unusable" as const,
    title: isConfig ? "The configuration is refused" : "The state cannot be used",
    message: `${asSentence(endOfError(redact(messageOf(error)), REFUSAL_CHARS_MAX))} No tick can run and no model is called. Look: afk doctor`,
    subject: isConfig ? "configuration" : "state",
    occurrence: "",
  };
  log.event("error", "unusable", { key: keyOf(finding), error: finding.message });
  const outDir = join(state, "out");
  const text = alertText("afk", [finding]);
  const told = `${text}\n${TOLD}\n`;
  const isKnown = quietly(() => readIfThere(join(outDir, ALERT_FILE))) === told;
  const counts = isKnown ? { sent: 0, failed: 0 } : await send(finding);
  const written = quietly(() => keepFile(outDir, ALERT_FILE, isKnown || counts.sent > 0 ? told : text));
  if (written === null) log.event("error", "alert_file_failed", { error: "it cannot be written" });
  return {
    exitCode: isConfig ? EXIT.config : EXIT.failed,
    killed: null,
    condition: null,
    findings: [reported(finding)],
    recovered: [],
    alerts: { ...counts, pending: 0 },
  };
}

/** The file is a convenience, and in the folder whose state is in doubt: null when it cannot be had. */
function quietly<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

/**
 * Announces, once, that what was announced is over: of each kind the newest alert, when it is not found any more and its end
 * was not announced before. While another episode of the same kind lasts, nothing has recovered.
 * @returns the titles of what is over.
 */
async function announceRecovered(alerting: Alerting, findings: readonly WatchNotice[]): Promise<string[]> {
  const over: string[] = [];
  await alerting.store.atomically(async (trx) => {
    for (const event of ["heartbeat_late", "no_output"] as const) {
      if (findings.some((finding) => finding.event === event)) continue;
      const told = await trx
        .selectFrom("alerts")
        .select(["occurrence", "payload"])
        .where("event", "=", event)
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst();
      if (told === undefined) continue;
      const end = { event: "recovered", subject: event, occurrence: told.occurrence } as const;
      const known = await trx
        .selectFrom("alerts")
        .select("id")
        .where("key", "=", keyOf(end))
        .executeTakeFirst();
      if (known !== undefined) continue;
      const { title } = JSON.parse(told.payload) as { title: string };
      over.push(title);
      await alerting.outbox.announce(trx, {
        ...end,
        title: `Over: ${title}`,
        message: `${MEANING[event]} Nothing is to be done. What happened: afk logs --event ${event}`,
      });
    }
  });
  return over;
}

/** That configuration and state can be used again; `sinceMs` is when it was announced that they cannot. */
function usableAgain(sinceMs: number): Notice {
  return {
    event: "recovered",
    title: "afk can be used again",
    message:
      "Configuration and state can be read again, and ticks can run. Nothing is to be done. Look: afk status",
    subject: "unusable",
    occurrence: String(sinceMs),
  };
}

const MEANING = {
  heartbeat_late: "Ticks run again.",
  no_output: "Ticks give output again.",
} as const;

/** A refusal names the key and what to write. */
const REFUSAL_CHARS_MAX = 300;

/** Beside the digests, so that whoever misses one finds the reason. */
const ALERT_FILE = "ALERT.txt";

/**
 * The last line of a file that was written without a database, once some channel has taken the alert: what says that it
 * need not be sent again, and that its end is to be announced.
 */
const TOLD = "An alert was sent.";

/** When the alert was written that was sent past the outbox, in epoch milliseconds; null when none was. */
function toldDirectlyAt(outDir: string): number | null {
  const path = join(outDir, ALERT_FILE);
  if (readIfThere(path)?.trimEnd().endsWith(TOLD) !== true) return null;
  return Math.floor(statSync(path).mtimeMs);
}

/** One block a finding: a line that says it, and what to know about it. */
function alertText(agent: string, findings: readonly { title: string; message: string }[]): string {
  const blocks = findings.map(({ title, message }) => `${title}\n${message}\n`);
  return `${agent} needs a look. This file goes away when all is well again.\n\n${blocks.join("\n")}`;
}
