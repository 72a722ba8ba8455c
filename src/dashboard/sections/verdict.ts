import { count } from "../../evidence/report/words.ts";
import type { Finding, Verdict } from "../../ops/condition/finding.ts";
import { tag } from "../elements.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, foreign, type Times, usdText } from "../words.ts";

/** How bad: `bad` needs a person, `warn` deserves a look, `ok` is well, `idle` has nothing to say yet. */
export type Level = "bad" | "warn" | "ok" | "idle";

/** The verdict of `ops/condition`, in two or three words for a headline. */
export function headlineOf({ verdict, lastTick }: Snapshot["status"]): { level: Level; headline: string } {
  if (verdict === "well" && lastTick?.outcome === "running")
    return { level: "ok", headline: "At work, all is well" };
  return HEADLINES[verdict];
}

const HEADLINES: Record<Verdict, { level: Level; headline: string }> = {
  stopped: { level: "bad", headline: "Stopped" },
  unwell: { level: "bad", headline: "Not well" },
  needs_person: { level: "bad", headline: "Needs a person" },
  limited: { level: "warn", headline: "Worth a look" },
  new: { level: "idle", headline: "Has not run yet" },
  well: { level: "ok", headline: "All is well" },
};

/** The state in a word, a few figures, and everything that somebody should know. */
export function verdictSection(snapshot: Snapshot, times: Times): Html {
  const { level, headline } = headlineOf(snapshot.status);
  const { findings } = snapshot.status;
  return html`<section class="card verdict ${level}" data-part="verdict" aria-labelledby="h-verdict">
<h2 class="headline" id="h-verdict">${ICONS[level]}${headline}</h2>
<dl class="facts">
${facts(snapshot, times).map(([name, value, more]) => html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>\n`)}
</dl>
${findings.length > 0 && html`<ul class="findings">${findings.map(findingItem)}</ul>`}
</section>`;
}

function findingItem({ isUrgent, text, detail, command }: Finding): Html {
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
      : ["Last tick", ago(Date.parse(tick.startedAt), times), tickText(tick)],
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

function tickText({ outcome, units }: { outcome: string; units: number }): string {
  return outcome === "running" ? "under way" : `${outcome}, ${count(units, "output")}`;
}
