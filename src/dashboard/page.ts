import { document } from "./elements.ts";
import { type Html, html } from "./html.ts";
import { SCRIPT } from "./script.ts";
import { clientsSection } from "./sections/clients.ts";
import { daysSection } from "./sections/days.ts";
import { alertsSection, digestSection, incidentsSection, sourcesSection } from "./sections/lists.ts";
import { machinesSection } from "./sections/machines.ts";
import { spendSection } from "./sections/spend.ts";
import { ticksSection } from "./sections/ticks.ts";
import { headlineOf, type Level, verdictSection } from "./sections/verdict.ts";
import { breakerSection, deadSection, queueSection } from "./sections/work.ts";
import type { Snapshot } from "./snapshot.ts";
import { STYLE } from "./style.ts";
import { at, type Times } from "./words.ts";

/** How often the page loads itself anew where no script does better. */
const RELOAD_SECONDS = 30;

/** The script says here whether what is seen is up to date; it is outside of what is replaced. */
const LIVE = html`<span class="live" id="live" role="status"></span>`;

const MARKS: Record<Level, string> = { ok: "✓", warn: "!", bad: "✗", idle: "·" };

/** The whole page, which needs nothing but itself and the icon. Each `data-part` is replaced alone when it changes. */
export function renderPage(snapshot: Snapshot): string {
  const times = { nowMs: snapshot.at, timezone: snapshot.timezone };
  const verdict = headlineOf(snapshot.status);
  const { agent, version } = snapshot.status;
  return livePage(
    `${MARKS[verdict.level]} ${agent}: ${verdict.headline}`,
    html`<header class="top">
<h1>${agent}</h1>
<div class="quiet small"><span data-part="head">As of ${at(snapshot.at, times)} ${snapshot.timezone}, afk ${version}</span> ${LIVE}</div>
</header>
<main>
${verdictSection(snapshot, times)}
<div class="columns">
<div>
${spendSection(snapshot)}
${clientsSection(snapshot, times)}
${deadSection(snapshot, times)}
${incidentsSection(snapshot, times)}
${daysSection(snapshot)}
${digestSection(snapshot, times)}
</div>
<div>
${machinesSection(snapshot, times)}
${queueSection(snapshot, times)}
${breakerSection(snapshot, times)}
${sourcesSection(snapshot, times)}
${alertsSection(snapshot, times)}
${ticksSection(snapshot, times)}
</div>
</div>
</main>
<footer class="quiet small">This page only looks: nothing on it changes anything.</footer>`,
  );
}

/** What is shown when the state cannot be read: that, and nothing that could be taken for good news. */
export function renderTrouble(agent: string, problem: string, times: Times): string {
  return livePage(
    `✗ ${agent}: unreadable`,
    html`<header class="top"><h1>${agent}</h1><p class="quiet small">As of ${at(times.nowMs, times)} ${LIVE}</p></header>
<main><section class="card verdict bad" data-part="verdict"><h2 class="headline">The state cannot be read</h2>
<p class="error">${problem}</p><p><code>afk doctor</code></p></section></main>`,
  );
}

function livePage(title: string, body: Html): string {
  const head = html`<noscript><meta http-equiv="refresh" content="${RELOAD_SECONDS}"></noscript>
<link rel="icon" href="icon.svg" type="image/svg+xml">`;
  return document({ title, head, style: STYLE, body, script: SCRIPT });
}
