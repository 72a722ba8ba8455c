import type { AlertView } from "../../ops/recent-alerts.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { at, foreign, type Times } from "../words.ts";

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
    : html`<ul class="list">${alerts.map((alert) => item(alert, times))}</ul>`
}
</section>`;
}

function item(alert: AlertView, times: Times): Html {
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
