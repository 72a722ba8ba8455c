import { DAY_MS } from "../lib/durations.ts";
import { capWords } from "../lib/windows.ts";
import { type Html, html } from "./html.ts";
import { FULL } from "./sections/spend.ts";
import type { Snapshot } from "./snapshot.ts";
import { ago, count, foreign, type Times, usdText } from "./words.ts";

/** How bad: `bad` needs a person, `warn` deserves a look, `ok` is well, `idle` has nothing to say yet. */
export type Level = "bad" | "warn" | "ok" | "idle";

/** One thing that somebody should know, with the command that says more. */
export interface Finding {
  level: "bad" | "warn";
  text: Html;
  command: string;
}

/** What the whole state amounts to. */
export interface Verdict {
  level: Level;
  /** Two or three words: the state of the agent. */
  headline: string;
  findings: Finding[];
}

/** The whole state in a word, and every reason for it, the worst first. */
export function assess(snapshot: Snapshot, times: Times): Verdict {
  const findings = findingsOf(snapshot, times);
  findings.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
  const { status, health } = snapshot;
  if (status.killed !== null) return { level: "bad", headline: "Stopped", findings };
  if (!health.isHealthy) return { level: "bad", headline: "Not well", findings };
  if (findings.some(({ level }) => level === "bad"))
    return { level: "bad", headline: "Needs a person", findings };
  if (findings.length > 0) return { level: "warn", headline: "Worth a look", findings };
  if (status.lastTick === null) return { level: "idle", headline: "Has not run yet", findings };
  return {
    level: "ok",
    headline: isAtWork(status) ? "At work, all is well" : "All is well",
    findings,
  };
}

/** A tick says that it runs until somebody says that it has ended; whether it does is for the lock to say. */
export function isAtWork({ lastTick, worker }: Snapshot["status"]): boolean {
  return lastTick?.outcome === "running" && worker.state === "working";
}

function findingsOf(snapshot: Snapshot, times: Times): Finding[] {
  const { status, health, sources } = snapshot;
  const findings: Finding[] = [];
  const add = (level: Finding["level"], text: Html, command: string) =>
    findings.push({ level, text, command });
  if (status.killed !== null) {
    const { by, at, reason, remedy } = status.killed;
    const atMs = Date.parse(at);
    const when = atMs === 0 ? "" : html`, ${ago(atMs, times)}`;
    const then = remedy === undefined ? "" : `; ${remedy}`;
    add("bad", html`The kill switch is set (${by}${when}): ${foreign(reason)}${then}`, "afk resume");
  }
  for (const problem of health.problems) add("bad", foreign(problem), "afk health");
  const { queue, unknown, drafts, outputs, waiting } = status;
  for (const { model, reason } of status.refusals)
    add("bad", html`${foreign(model, 80)} refuses every call: ${foreign(reason, 300)}`, "afk status");
  if (queue.dead > 0)
    add("bad", html`${count(queue.dead, "dead letter waits", "dead letters wait")} for you`, "afk dead");
  if (drafts.unknown > 0)
    add("bad", html`${count(drafts.unknown, "draft")} may have been carried out`, "afk drafts");
  if (outputs.pending > 0)
    add("bad", html`${count(outputs.pending, "output is", "outputs are")} not in out/ yet`, "afk doctor");
  const undelivered = undeliveredLately(snapshot);
  if (undelivered > 0)
    add("bad", html`${count(undelivered, "alert")} of the last day could not be delivered`, "afk alert test");
  for (const window of status.spend) {
    const { cap, settled, reserved } = window;
    if (cap === null || cap === 0 || settled + reserved < cap * FULL) continue;
    const more = capWords(window).replace(/^\w+ cap/, "");
    add("warn", html`The cap of the ${window.window}${more} is reached`, "afk ledger");
  }
  if (unknown.calls > 0) {
    const charged = usdText(unknown.usd);
    add(
      "warn",
      html`${count(unknown.calls, "call")} of unknown outcome, charged at ${charged}`,
      "afk ledger list --unknown",
    );
  }
  for (const { name } of status.breakers.filter(({ state }) => state === "blocked"))
    add("bad", html`${foreign(name, 80)} is refused until you run afk resume`, "afk status");
  const open = status.breakers.filter(({ state }) => state === "open" || state === "half_open");
  for (const { name } of open)
    add("warn", html`${foreign(name, 80)} is left alone after failures`, "afk status");
  if (drafts.pending > 0)
    add("warn", html`${count(drafts.pending, "draft waits", "drafts wait")} for your approval`, "afk drafts");
  if (waiting !== null)
    add(
      "warn",
      html`${count(waiting.jobs, "job waits", "jobs wait")} for what is down: ${foreign(waiting.reason, 300)}`,
      "afk jobs",
    );
  const failing = sources.filter(({ error }) => error !== null).length;
  if (failing > 0)
    add("warn", html`${count(failing, "source")} failed at the last run`, "afk logs --event source_failed");
  return findings;
}

/** One that failed long ago is history: the list of alerts shows it, and nobody needs to act on it now. */
function undeliveredLately({ alerts, at }: Snapshot): number {
  return alerts.filter(
    (alert) => alert.at > at - DAY_MS && alert.deliveries.some(({ state }) => state === "failed"),
  ).length;
}
