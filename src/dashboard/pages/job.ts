import { count, dollars } from "../../evidence/report/words.ts";
import { DAY_MS, MINUTE_MS } from "../../lib/durations.ts";
import { shortId } from "../../lib/ids.ts";
import { readWindow } from "../../logs/read-window.ts";
import type { JobDetail } from "../../ops/show-job.ts";
import { card, list, noCard, row, tag } from "../elements.ts";
import { type Html, html, type Part } from "../html.ts";
import { ago, at, foreign, runName, type Times } from "../words.ts";
import { detailPage, facts, verbatim } from "./detail.ts";
import { traceCard } from "./trace.ts";

const LEVELS = { ready: "idle", running: "ok", done: "ok", dead: "bad" } as const;
const ERROR_CHARS_MAX = 8_000;
const STEPS_MAX = 50;

/** The page of one run: what became of it, what it gave and wrote, and its trace. A dead letter is such a run. */
export function jobPage(
  job: JobDetail,
  { agent, logs, times }: { agent: string; logs: string; times: Times },
): string {
  const { key, id, createdAt, updatedAt } = job;
  const updatedMs = Date.parse(updatedAt);
  const trace = readWindow({
    dir: logs,
    job: key,
    sinceMs: Math.max(Date.parse(createdAt), updatedMs - DAY_MS),
    untilMs: job.state === "running" ? times.nowMs : updatedMs + MINUTE_MS,
  });
  return detailPage({
    agent,
    title: runName(key, times),
    times,
    body: html`${stateCard(job, times)}
${resultCard(job, times)}
${outputCard(job)}
${stepsCard(job, times)}
${traceCard(trace, `afk logs --job ${shortId(id)}`, times)}`,
  });
}

function stateCard(job: JobDetail, times: Times): Html {
  const { state, attempts, maxAttempts, units, calls, error, id, payload } = job;
  const level = LEVELS[state];
  const runMs = Date.parse(job.runAt);
  return html`<section class="card verdict ${level}" data-part="state" aria-labelledby="h-state">
<h2 class="headline" id="h-state">${tag(level, state)}</h2>
${facts([
  ["Job", html`${foreign(job.name, 80)}<small>${job.kind}</small>`],
  ["Since", ago(Date.parse(job.updatedAt), times)],
  ["Due", state === "ready" && (runMs > times.nowMs ? ago(runMs, times) : "now")],
  ["Attempts", `${attempts} of ${maxAttempts}`],
  ["Outputs", String(units)],
  ["Calls", callsText(calls)],
])}
${error !== null && html`<h3>Error</h3>${verbatim(error, "Error", ERROR_CHARS_MAX)}`}
${payload !== "null" && html`<h3>Payload</h3>${verbatim(payload, "Payload", ERROR_CHARS_MAX)}`}
${state === "dead" && todo(id)}
</section>`;
}

function todo(id: string): Html {
  const word = shortId(id);
  return html`<ul class="findings"><li><span>When the cause is gone</span> <code>afk dead retry ${word}</code></li>
<li><span>To give it up</span> <code>afk dead drop ${word}</code></li></ul>`;
}

function callsText({ count: all, settledMicros, reservedMicros, unknown }: JobDetail["calls"]): Part {
  if (all === 0) return "none";
  const lost = unknown > 0 && html`<small>${unknown} of unknown cost</small>`;
  return html`${all}, ${dollars(settledMicros + reservedMicros)}${lost}`;
}

function resultCard({ result, outputs, deliveries }: JobDetail, times: Times): Html {
  if (result === null && outputs.length === 0 && deliveries.length === 0) return noCard("result");
  return card("result", "Result", [
    result !== null &&
      html`<p><strong>${foreign(result.title, 300)}</strong></p>
${result.counts !== null && html`<p>${foreign(result.counts, 600)}</p>`}
${result.text !== "" && verbatim(result.text, "Result")}
${list(result.notes.slice(0, STEPS_MAX), (note) => foreign(note, 600))}`,
    list(outputs, fileItem),
    deliveries.length > 0 && html`<h3>Sent to</h3>`,
    list(deliveries, (delivery) => deliveryItem(delivery, times)),
  ]);
}

function deliveryItem(delivery: JobDetail["deliveries"][number], times: Times): Html {
  const { receiver, state, attempts, error, at: ms } = delivery;
  const level = state === "delivered" ? "ok" : state === "dead" ? "bad" : "warn";
  const how = [
    tag(level, state),
    html` <span class="quiet">${ago(ms, times)}, ${count(attempts, "try", "tries")}</span>`,
  ];
  return html`${row(foreign(receiver, 80), how)}${error !== null && html`<p class="error small">${foreign(error, 300)}</p>`}`;
}

function fileItem(name: string): Html {
  const shown = foreign(`out/${name}`, 200);
  if (!/\.(?:md|txt)$/.test(name)) return shown;
  return html`<a href="../files/${encodeURIComponent(name)}">${shown}</a>`;
}

function outputCard({ wrote, kind }: JobDetail): Html {
  if (wrote === null) {
    if (kind !== "exec") return noCard("output");
    return card(
      "output",
      "Output",
      html`<p class="quiet">Kept of a run that ended well; of another, its error says the end.</p>`,
    );
  }
  const { stdout, stderr, isCut } = wrote;
  return card("output", "Output", [
    stdout.trim() === "" ? html`<p class="quiet">It wrote nothing.</p>` : verbatim(stdout, "Standard output"),
    stderr.trim() !== "" && html`<h3>Standard error</h3>${verbatim(stderr, "Standard error")}`,
    isCut && html`<p class="quiet small">It wrote more than is kept.</p>`,
  ]);
}

function stepsCard({ steps }: JobDetail, times: Times): Html {
  if (steps.length === 0) return noCard("steps");
  const more = steps.length - STEPS_MAX;
  return card("steps", "Steps", [
    list(steps.slice(0, STEPS_MAX), ({ name, at: ms }) => row(foreign(name, 120), at(ms, times))),
    more > 0 && html`<p class="quiet small">and ${more} more</p>`,
  ]);
}
