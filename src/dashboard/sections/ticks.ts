import { formatDuration } from "../../lib/duration-text.ts";
import type { TickStatus } from "../../ops/status.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { at, figure, foreign, type Times, usdText } from "../words.ts";

const SHOWN_MAX = 10;
const LEVELS = {
  running: "ok",
  ok: "ok",
  idle: "idle",
  halted: "warn",
  failed: "bad",
  crashed: "bad",
} as const;

/** The latest ticks, newest first; a row of idle ones is one line, so that those that did something stay in sight. */
export function ticksSection({ status }: Snapshot, times: Times): Html {
  const groups = grouped(status.ticks.toReversed()).slice(0, SHOWN_MAX);
  return html`<section class="card" data-part="ticks" aria-labelledby="h-ticks">
<h2 id="h-ticks">Last ticks</h2>
${
  groups.length === 0
    ? html`<p class="quiet">None yet: <code>afk tick</code> runs one, and <code>afk run</code> runs them on schedule.</p>`
    : html`<table>
<thead><tr><th scope="col">Began</th><th scope="col">Outcome</th><th scope="col" class="n">Outputs</th><th scope="col" class="n wide">Took</th><th scope="col" class="n">Cost</th></tr></thead>
<tbody>${groups.map((group) => row(group, times))}</tbody></table>`
}
</section>`;
}

/** One tick, or several idle ones that followed on each other, newest first. */
type Group = readonly [TickStatus, ...TickStatus[]];

function grouped(ticks: readonly TickStatus[]): Group[] {
  const groups: [TickStatus, ...TickStatus[]][] = [];
  for (const tick of ticks) {
    const last = groups.at(-1);
    if (tick.outcome === "idle" && last?.[0].outcome === "idle") last.push(tick);
    else groups.push([tick]);
  }
  return groups;
}

function row([tick, ...earlier]: Group, times: Times): Html {
  const level = LEVELS[tick.outcome];
  const startedAt = Date.parse(tick.startedAt);
  const first = earlier.at(-1);
  if (first !== undefined) {
    return html`<tr><th scope="row" class="nowrap">${at(startedAt, times)}</th><td colspan="4"><span class="tag ${level} t-${level}">${earlier.length + 1} idle</span> <span class="quiet small">since ${at(Date.parse(first.startedAt), times)}</span></td></tr>`;
  }
  const took = tick.finishedAt === null ? "" : formatDuration(Date.parse(tick.finishedAt) - startedAt);
  const reason = tick.reason !== null && html`<div class="error small">${foreign(tick.reason, 300)}</div>`;
  const cost = tick.usd === 0 ? html`<span class="zero">$0</span>` : usdText(tick.usd);
  return html`<tr><th scope="row" class="nowrap">${at(startedAt, times)}</th><td><span class="tag ${level} t-${level}">${tick.outcome}</span>${reason}</td><td class="n">${figure(tick.units)}</td><td class="n wide">${took}</td><td class="n">${cost}</td></tr>`;
}
