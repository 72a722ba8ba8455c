import { formatDuration } from "../../lib/duration-text.ts";
import type { TickStatus } from "../../ops/status.ts";
import { card, quiet, table, tag } from "../elements.ts";
import { type Html, html, type Part } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { at, foreign, type Times, usdText } from "../words.ts";

const SHOWN_MAX = 10;
/** How good each outcome is. */
export const TICK_LEVELS = {
  running: "ok",
  ok: "ok",
  idle: "idle",
  halted: "warn",
  failed: "bad",
  crashed: "bad",
} as const;
const COLUMNS = [
  ["Began", "nowrap"],
  ["Outcome"],
  ["Outputs", "n"],
  ["Took", "n wide"],
  ["Cost", "n"],
] as const;

/** The latest ticks, newest first; a row of idle ones is one line, so that those that did something stay in sight. */
export function ticksSection({ status }: Snapshot, times: Times): Html {
  const groups = grouped(status.ticks.toReversed()).slice(0, SHOWN_MAX);
  const none = html`<p class="quiet">None yet: <code>afk tick</code> runs one, and <code>afk run</code> runs them on schedule.</p>`;
  const rows = groups.map((group) => cells(group, times));
  return card("ticks", "Last ticks", rows.length === 0 ? none : table(COLUMNS, rows));
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

function cells([tick, ...earlier]: Group, times: Times): Part[] {
  const { outcome, startedAt, finishedAt, reason } = tick;
  const level = TICK_LEVELS[outcome];
  const began = Date.parse(startedAt);
  const first = earlier.at(-1);
  if (first !== undefined) {
    const since = quiet(html`since ${at(Date.parse(first.startedAt), times)}`);
    return [tickLink(tick, times), html`${tag(level, `${earlier.length + 1} idle`)} ${since}`, "", "", ""];
  }
  const why = reason !== null && html`<div class="error small">${foreign(reason, 300)}</div>`;
  const took = finishedAt === null ? "" : formatDuration(Date.parse(finishedAt) - began);
  const cost = tick.usd === 0 ? html`<span class="zero">$0</span>` : usdText(tick.usd);
  return [tickLink(tick, times), html`${tag(level, outcome)}${why}`, tick.units, took, cost];
}

function tickLink({ id, startedAt }: TickStatus, times: Times): Html {
  return html`<a href="ticks/${encodeURIComponent(id)}">${at(Date.parse(startedAt), times)}</a>`;
}
