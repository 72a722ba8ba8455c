import type { SourceHealth } from "../../ops/sources.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, count, foreign, type Times } from "../words.ts";

const SHOWN_MAX = 50;

/** How each source was found when it was last asked; nothing where no job has sources. */
export function sourcesSection({ sources }: Snapshot, times: Times): Html {
  if (sources.length === 0) return html`<div data-part="sources"></div>`;
  const failing = sources.filter(({ error }) => error !== null).length;
  const working = sources.length - failing;
  return html`<section class="card" data-part="sources" aria-labelledby="h-sources">
<h2 id="h-sources">Sources</h2>
<p class="quiet small">${count(working, "works", "work")}, ${count(failing, "fails", "fail")}</p>
<ul class="list">${sources.slice(0, SHOWN_MAX).map((source) => item(source, times))}</ul>
</section>`;
}

function item(source: SourceHealth, times: Times): Html {
  const state =
    source.error === null
      ? html`<span class="quiet">${count(source.items, "item")}${source.notes > 0 && html`, ${count(source.notes, "part")} left out`}, ${ago(source.checkedAt, times)}</span>`
      : html`<span class="tag warn t-warn">failed</span> <span class="quiet">${ago(source.checkedAt, times)}</span>`;
  return html`<li><div class="row"><span>${foreign(source.label, 80)}</span><span class="small">${state}</span></div>${
    source.error !== null && html`<p class="error small">${foreign(source.error, 300)}</p>`
  }</li>`;
}
