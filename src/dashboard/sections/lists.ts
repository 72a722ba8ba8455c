import type { Incident } from "../../evidence/incidents/incidents.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import type { AlertView } from "../../ops/recent-alerts.ts";
import type { SourceHealth } from "../../ops/sources.ts";
import { type Html, html } from "../html.ts";
import { renderDigest } from "../markdown.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, at, count, foreign, type Times } from "../words.ts";

const LEVELS: Record<string, string> = { info: "ok", warn: "warn", error: "bad" };

/** What was said, and whether it got out. */
export function alertsSection({ alerts, status }: Snapshot, times: Times): Html {
  const { pending } = status.alerts;
  return html`<section class="card" data-part="alerts" aria-labelledby="h-alerts">
<h2 id="h-alerts">Alerts</h2>
${pending > 0 && html`<p class="quiet small">${pending} on the way</p>`}
${
  alerts.length === 0
    ? html`<p class="quiet">Nothing has happened that was worth one.</p>`
    : html`<ul class="list">${alerts.map((alert) => alertItem(alert, times))}</ul>`
}
</section>`;
}

function alertItem(alert: AlertView, times: Times): Html {
  const level = LEVELS[alert.severity] ?? "warn";
  return html`<li><div class="row"><span class="tag ${level} t-${level}">${foreign(alert.event.replaceAll("_", " "), 60)}</span><span class="quiet small">${at(alert.at, times)}</span></div>
<strong>${foreign(alert.title, 120)}</strong>
<p class="error small">${foreign(alert.message, 300)}</p>
${alert.more > 0 && html`<p class="small">and ${alert.more} more like it</p>`}
<p class="small quiet">${deliveries(alert)}</p></li>`;
}

function deliveries({ deliveries: list, isUntried }: AlertView): Html {
  if (isUntried) return html`goes out with the next tick`;
  if (list.length === 0) return html`kept here; no channel asked for it`;
  return html`${list.map(({ channel, state, error }, index) => {
    const name = html`${index > 0 && ", "}${foreign(channel.replace(/:.*$/s, ""), 40)} `;
    if (state === "sent") return html`${name}sent`;
    const why = error === null ? "" : html` (${foreign(error, 160)})`;
    return html`${name}<span class="${state === "failed" ? "t-bad" : "t-warn"}">${state}</span>${why}`;
  })}`;
}

/** What broke and waits for a person's words on it; nothing where there is none. */
export function incidentsSection({ incidents }: Snapshot, times: Times): Html {
  if (incidents.length === 0) return html`<div data-part="incidents"></div>`;
  return html`<section class="card" data-part="incidents" aria-labelledby="h-incidents">
<h2 id="h-incidents">Incidents</h2>
<ul class="list">${incidents.map((incident) => incidentItem(incident, times))}</ul>
</section>`;
}

function incidentItem(incident: Incident, times: Times): Html {
  const state =
    incident.recoveryMs === null
      ? html`<span class="tag bad t-bad">${incident.state}</span>`
      : html`<span class="tag ok t-ok">over</span><span class="quiet"> after ${formatDuration(incident.recoveryMs)}</span>`;
  return html`<li><div class="row"><strong>${foreign(incident.title, 160)}</strong><span class="small">${state}</span></div>
<p class="quiet small">${count(incident.count, "time")}, first ${ago(Date.parse(incident.openedAt), times)}, last ${ago(Date.parse(incident.lastAt), times)}</p>
<code>afk incidents show ${foreign(incident.id, 40)}</code></li>`;
}

const SHOWN_MAX = 50;

/** How each source was found when it was last asked; nothing where no job has sources. */
export function sourcesSection({ sources }: Snapshot, times: Times): Html {
  if (sources.length === 0) return html`<div data-part="sources"></div>`;
  const failing = sources.filter(({ error }) => error !== null).length;
  const working = sources.length - failing;
  return html`<section class="card" data-part="sources" aria-labelledby="h-sources">
<h2 id="h-sources">Sources</h2>
<p class="quiet small">${count(working, "works", "work")}, ${count(failing, "fails", "fail")}</p>
<ul class="list">${sources.slice(0, SHOWN_MAX).map((source) => sourceItem(source, times))}</ul>
</section>`;
}

function sourceItem(source: SourceHealth, times: Times): Html {
  const state =
    source.error === null
      ? html`<span class="quiet">${count(source.items, "item")}${source.notes > 0 && html`, ${count(source.notes, "part")} left out`}, ${ago(source.checkedAt, times)}</span>`
      : html`<span class="tag warn t-warn">failed</span> <span class="quiet">${ago(source.checkedAt, times)}</span>`;
  return html`<li><div class="row"><span>${foreign(source.label, 80)}</span><span class="small">${state}</span></div>${
    source.error !== null && html`<p class="error small">${foreign(source.error, 300)}</p>`
  }</li>`;
}

/** What the agent wrote last; nothing where it writes no digests. */
export function digestSection({ digest }: Snapshot, times: Times): Html {
  if (digest === null) return html`<div data-part="digest"></div>`;
  return html`<section class="card" data-part="digest" aria-labelledby="h-digest">
<div class="row"><h2 id="h-digest">Latest digest</h2><span class="quiet small">${foreign(digest.name, 160)}, ${ago(digest.createdAt, times)}</span></div>
<div class="digest" dir="auto">${renderDigest(digest.content)}</div>
${digest.isCut && html`<p class="quiet">This is the beginning of it; the whole is in out/${digest.name}.</p>`}
</section>`;
}
