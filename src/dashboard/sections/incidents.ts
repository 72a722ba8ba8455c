import type { Incident } from "../../evidence/incidents/incidents.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, count, foreign, type Times } from "../words.ts";

/** What broke and waits for a person's words on it; nothing where there is none. */
export function incidentsSection({ incidents }: Snapshot, times: Times): Html {
  if (incidents.length === 0) return html`<div data-part="incidents"></div>`;
  return html`<section class="card" data-part="incidents" aria-labelledby="h-incidents">
<h2 id="h-incidents">Incidents</h2>
<ul class="list">${incidents.map((incident) => item(incident, times))}</ul>
</section>`;
}

function item(incident: Incident, times: Times): Html {
  const state =
    incident.recoveryMs === null
      ? html`<span class="tag bad t-bad">${incident.state}</span>`
      : html`<span class="tag ok t-ok">over</span><span class="quiet"> after ${formatDuration(incident.recoveryMs)}</span>`;
  return html`<li><div class="row"><strong>${foreign(incident.title, 160)}</strong><span class="small">${state}</span></div>
<p class="quiet small">${count(incident.count, "time")}, first ${ago(Date.parse(incident.openedAt), times)}, last ${ago(Date.parse(incident.lastAt), times)}</p>
<code>afk incidents show ${foreign(incident.id, 40)}</code></li>`;
}
