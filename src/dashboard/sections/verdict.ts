import { isAtWork, type Level, type Verdict } from "../attention.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, count, type Times, usdText } from "../words.ts";

/** The state in a word, four figures, and everything that somebody should know. */
export function verdictSection(snapshot: Snapshot, verdict: Verdict, times: Times): Html {
  const { level, headline, findings } = verdict;
  return html`<section class="card verdict ${level}" data-part="verdict" aria-labelledby="h-verdict">
<h2 class="headline" id="h-verdict">${ICONS[level]}${headline}</h2>
<dl class="facts">
${worker(snapshot)}
${lastTick(snapshot, times)}
${nextTick(snapshot, times)}
${today(snapshot)}
${queue(snapshot)}
</dl>
${
  findings.length > 0 &&
  html`<ul class="findings">${findings.map(
    ({ level, text, command }) =>
      html`<li><span><span class="tag ${level} t-${level}">${level === "bad" ? "Act" : "Look"}</span> ${text}</span> <code>${command}</code></li>`,
  )}</ul>`
}
</section>`;
}

/** Shapes that differ, so that the colour is not needed. */
const ICONS: Record<Level, Html> = {
  ok: html`<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="9" fill="currentColor"/><path d="M5.5 10.5l3 3 6-6.5" class="cut"/></svg>`,
  warn: html`<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M10 1.5l9 16.5H1z" fill="currentColor"/><path d="M10 7v5M10 13.6v2" class="cut"/></svg>`,
  bad: html`<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M6 1h8l5 5v8l-5 5H6l-5-5V6z" fill="currentColor"/><path d="M10 4.8v6.4M10 13v2.2" class="cut"/></svg>`,
  idle: html`<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="8" fill="none" stroke="currentColor" stroke-width="2"/></svg>`,
};

function fact(name: string, value: Html | string, more: Html | string): Html {
  return html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`;
}

/** With a timer nobody is at work between two ticks; what is wrong with that is among the findings. */
function worker({ status }: Snapshot): Html {
  const { state, pid } = status.worker;
  const process = pid === null ? "a process" : `process ${pid}`;
  return fact(
    "Worker",
    state === "none" ? "none now" : state,
    state === "none" ? "nobody holds the lock" : process,
  );
}

function lastTick({ status }: Snapshot, times: Times): Html {
  const tick = status.lastTick;
  if (tick === null) return fact("Last tick", "none yet", "afk tick, or the timer");
  const ended = tick.outcome === "running" ? "not ended" : `${tick.outcome}, ${count(tick.units, "output")}`;
  const outputs = isAtWork(status) ? "under way" : ended;
  return fact("Last tick", ago(Date.parse(tick.startedAt), times), outputs);
}

function nextTick({ next }: Snapshot, times: Times): Html {
  const [first] = next;
  if (first === undefined || first.dueAt === null)
    return fact("Next due", "nothing", "no job has a schedule");
  return fact(
    "Next due",
    first.dueAt <= times.nowMs ? "now" : ago(first.dueAt, times),
    html`<bdi>${first.job}</bdi>`,
  );
}

function today({ status }: Snapshot): Html {
  const day = status.spend.find(({ window }) => window === "day");
  if (day === undefined) return fact("Spent today", "unknown", "");
  const spent = usdText(day.settled + day.reserved);
  return fact("Spent today", spent, day.cap === null ? "no cap" : `of ${usdText(day.cap)} a day`);
}

function queue({ status }: Snapshot): Html {
  const { ready, running, dead } = status.queue;
  const letters = dead === 0 ? "no dead letters" : count(dead, "dead letter");
  return fact("Queue", `${running} running`, `${ready} ready, ${letters}`);
}
