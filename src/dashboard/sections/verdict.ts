import { count } from "../../evidence/report/words.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { type Need, needsOf } from "../../ops/needs.ts";
import { tag } from "../elements.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, foreign, type Times, usdText } from "../words.ts";

/** How bad: `bad` needs a person, `warn` deserves a look, `ok` is well, `idle` has nothing to say yet. */
export type Level = "bad" | "warn" | "ok" | "idle";

/** What the whole state amounts to: in two or three words, and every reason for it. */
export interface Verdict {
  level: Level;
  headline: string;
  needs: Need[];
}

/** The whole state in a word, and every reason for it, the worst first. */
export function assess(snapshot: Snapshot): Verdict {
  const { status, health, at } = snapshot;
  const needs = needsOf(status, at, undeliveredLately(snapshot));
  const verdict = (level: Level, headline: string) => ({ level, headline, needs });
  if (status.killed !== null) return verdict("bad", "Stopped");
  if (!health.isHealthy) return verdict("bad", "Not well");
  if (needs.some(({ isUrgent }) => isUrgent)) return verdict("bad", "Needs a person");
  if (needs.length > 0) return verdict("warn", "Worth a look");
  if (status.lastTick === null) return verdict("idle", "Has not run yet");
  return verdict("ok", isAtWork(status) ? "At work, all is well" : "All is well");
}

/** A tick says that it runs until somebody says that it has ended; whether it does is for the lock to say. */
function isAtWork({ lastTick, worker }: Snapshot["status"]): boolean {
  return lastTick?.outcome === "running" && worker.state === "working";
}

/** One that failed long ago is history: the list of alerts shows it, and nobody needs to act on it now. */
function undeliveredLately({ alerts, at }: Snapshot): number {
  return alerts.filter(
    (alert) => alert.at > at - DAY_MS && alert.deliveries.some(({ state }) => state === "failed"),
  ).length;
}

/** The state in a word, a few figures, and everything that somebody should know. */
export function verdictSection(snapshot: Snapshot, verdict: Verdict, times: Times): Html {
  const { level, headline, needs } = verdict;
  return html`<section class="card verdict ${level}" data-part="verdict" aria-labelledby="h-verdict">
<h2 class="headline" id="h-verdict">${ICONS[level]}${headline}</h2>
<dl class="facts">
${facts(snapshot, times).map(([name, value, more]) => html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>\n`)}
</dl>
${needs.length > 0 && html`<ul class="findings">${needs.map(needItem)}</ul>`}
</section>`;
}

function needItem({ isUrgent, text, detail, command }: Need): Html {
  const label = isUrgent ? tag("bad", "Act") : tag("warn", "Look");
  const more = detail !== null && html`: ${foreign(detail)}`;
  return html`<li><span>${label} ${foreign(text, 120)}${more}</span> <code>${command}</code></li>`;
}

/** Shapes that differ, so that the colour is not needed. */
const ICONS: Record<Level, Html> = {
  ok: html`<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="9" fill="currentColor"/><path d="M5.5 10.5l3 3 6-6.5" class="cut"/></svg>`,
  warn: html`<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M10 1.5l9 16.5H1z" fill="currentColor"/><path d="M10 7v5M10 13.6v2" class="cut"/></svg>`,
  bad: html`<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M6 1h8l5 5v8l-5 5H6l-5-5V6z" fill="currentColor"/><path d="M10 4.8v6.4M10 13v2.2" class="cut"/></svg>`,
  idle: html`<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="8" fill="none" stroke="currentColor" stroke-width="2"/></svg>`,
};

type Fact = [name: string, value: Html | string, more: Html | string];

function facts({ status, next }: Snapshot, times: Times): Fact[] {
  const { worker, queue, lastTick: tick } = status;
  const [first] = next;
  const day = status.spend.find(({ window }) => window === "day");
  return [
    // With a timer nobody is at work between two ticks; what is wrong with that is among the needs.
    worker.state === "none"
      ? ["Worker", "none now", "nobody holds the lock"]
      : ["Worker", worker.state, worker.pid === null ? "a process" : `process ${worker.pid}`],
    tick === null
      ? ["Last tick", "none yet", "afk tick, or the timer"]
      : ["Last tick", ago(Date.parse(tick.startedAt), times), tickText(status, tick)],
    first?.dueAt == null
      ? ["Next due", "nothing", "no job has a schedule"]
      : [
          "Next due",
          first.dueAt <= times.nowMs ? "now" : ago(first.dueAt, times),
          html`<bdi>${first.job}</bdi>`,
        ],
    day === undefined
      ? ["Spent today", "unknown", ""]
      : [
          "Spent today",
          usdText(day.settled + day.reserved),
          day.cap === null ? "no cap" : `of ${usdText(day.cap)} a day`,
        ],
    [
      "Queue",
      `${queue.running} running`,
      `${queue.ready} ready, ${queue.dead === 0 ? "no dead letters" : count(queue.dead, "dead letter")}`,
    ],
  ];
}

function tickText(
  status: Snapshot["status"],
  { outcome, units }: { outcome: string; units: number },
): string {
  if (isAtWork(status)) return "under way";
  return outcome === "running" ? "not ended" : `${outcome}, ${count(units, "output")}`;
}
