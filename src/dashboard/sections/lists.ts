import type { Incident } from "../../evidence/incidents/incidents.ts";
import { count } from "../../evidence/report/words.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { shortId } from "../../lib/ids.ts";
import type { AlertView } from "../../ops/recent-alerts.ts";
import type { SourceHealth } from "../../ops/sources.ts";
import { card, list, noCard, quiet, row, tag } from "../elements.ts";
import { type Html, html } from "../html.ts";
import { renderDigest } from "../markdown.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, at, foreign, type Times } from "../words.ts";

const LEVELS: Record<string, string> = { info: "ok", warn: "warn", error: "bad" };

/** What was said, and whether it got out. */
export function alertsSection({ alerts, status }: Snapshot, times: Times): Html {
  const { pending } = status.alerts;
  return card("alerts", "Alerts", [
    pending > 0 && html`<p class="quiet small">${pending} on the way</p>`,
    list(alerts, (alert) => alertItem(alert, times)) ||
      html`<p class="quiet">Nothing has happened that was worth one.</p>`,
  ]);
}

function alertItem(alert: AlertView, times: Times): Html {
  const event = foreign(alert.event.replaceAll("_", " "), 60);
  return html`${row(tag(LEVELS[alert.severity] ?? "warn", event), quiet(at(alert.at, times)))}
<strong>${foreign(alert.title, 120)}</strong>
<p class="error small">${foreign(alert.message, 300)}</p>
${alert.more > 0 && html`<p class="small">and ${alert.more} more like it</p>`}
<p class="small quiet">${deliveries(alert)}</p>`;
}

function deliveries({ deliveries: all, isUntried }: AlertView): Html {
  if (isUntried) return html`goes out with the next tick`;
  if (all.length === 0) return html`kept here; no channel asked for it`;
  return html`${all.map(({ channel, state, error }, index) => {
    const name = html`${index > 0 && ", "}${foreign(channel.replace(/:.*$/s, ""), 40)} `;
    if (state === "sent") return html`${name}sent`;
    const why = error !== null && html` (${foreign(error, 160)})`;
    return html`${name}<span class="${state === "failed" ? "t-bad" : "t-warn"}">${state}</span>${why}`;
  })}`;
}

/** Incidents that nobody has closed yet; nothing where there is none. */
export function incidentsSection({ incidents }: Snapshot, times: Times): Html {
  if (incidents.length === 0) return noCard("incidents");
  return card(
    "incidents",
    "Incidents",
    list(incidents, (incident) => incidentItem(incident, times)),
  );
}

function incidentItem({ id, title, state, count: signs, ...incident }: Incident, times: Times): Html {
  const how =
    incident.recoveryMs === null
      ? tag("bad", state)
      : html`${tag("ok", "over")}${quiet(` after ${formatDuration(incident.recoveryMs)}`)}`;
  return html`${row(html`<strong>${foreign(title, 160)}</strong>`, how)}
<p class="quiet small">${count(signs, "time")}, first ${ago(Date.parse(incident.openedAt), times)}, last ${ago(Date.parse(incident.lastAt), times)}</p>
<code>afk incidents show ${shortId(id)}</code>`;
}

const SHOWN_MAX = 50;

/** How each source was found when it was last asked; nothing where no job has sources. */
export function sourcesSection({ sources }: Snapshot, times: Times): Html {
  if (sources.length === 0) return noCard("sources");
  const failing = sources.filter(({ error }) => error !== null).length;
  const working = sources.length - failing;
  return card("sources", "Sources", [
    html`<p class="quiet small">${count(working, "works", "work")}, ${count(failing, "fails", "fail")}</p>`,
    list(sources.slice(0, SHOWN_MAX), (source) => sourceItem(source, times)),
  ]);
}

function sourceItem({ label, error, items, notes, checkedAt }: SourceHealth, times: Times): Html {
  const when = ago(checkedAt, times);
  if (error !== null)
    return html`${row(foreign(label, 80), [tag("warn", "failed"), " ", quiet(when)])}<p class="error small">${foreign(error, 300)}</p>`;
  const left = notes > 0 && `, ${count(notes, "part")} left out`;
  return row(foreign(label, 80), quiet([count(items, "item"), left, ", ", when]));
}

/** What the agent wrote last; nothing where it writes no digests. */
export function digestSection({ digest }: Snapshot, times: Times): Html {
  if (digest === null) return noCard("digest");
  const { name, createdAt, content, isCut } = digest;
  return card("digest", "Latest digest", [
    html`<p class="quiet small"><a href="files/${encodeURIComponent(name)}">${foreign(name, 160)}</a>, ${ago(createdAt, times)}. <a href="files/">All digests</a></p>`,
    html`<div class="digest" dir="auto">${renderDigest(content)}</div>`,
    isCut &&
      html`<p class="quiet">This is the beginning of it; <a href="files/${encodeURIComponent(name)}">the rest</a>.</p>`,
  ]);
}
