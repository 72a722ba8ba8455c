import type { DayTicks } from "../../ops/history.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { cents, dayName, figure } from "../words.ts";

/** Two weeks at a glance: a cell a day, and under it the figures. */
export function daysSection({ days, spend }: Snapshot): Html {
  const costs = new Map(spend.map((day) => [day.day, day.settledMicros + day.reservedMicros]));
  return html`<section class="card" data-part="days" aria-labelledby="h-days">
<h2 id="h-days">The last ${days.length} days</h2>
<ol class="strip">${days.map(cell)}</ol>
<table>
<thead><tr><th scope="col">Day</th><th scope="col" class="n">Ticks</th><th scope="col" class="n">Outputs</th><th scope="col" class="n">Failures</th><th scope="col" class="n wide">Halts</th><th scope="col" class="n">Spent</th></tr></thead>
<tbody>${days.toReversed().map((day) => row(day, costs.get(day.day) ?? 0))}</tbody>
</table>
</section>`;
}

function levelOf({ ticks, failures, halts }: DayTicks): "none" | "ok" | "warn" | "bad" {
  if (ticks === 0) return "none";
  if (failures > 0) return "bad";
  return halts > 0 ? "warn" : "ok";
}

const SAID = { none: "no tick", ok: "went well", warn: "halted", bad: "failures" };

function cell(day: DayTicks): Html {
  const level = levelOf(day);
  const mark = day.failures > 0 ? String(day.failures) : day.halts > 0 ? String(day.halts) : "";
  return html`<li class="${level}"><b aria-hidden="true">${mark}</b><span aria-hidden="true">${dayName(day.day).split(" ")[0]}</span><span class="hidden">${dayName(day.day)}: ${SAID[level]}</span></li>`;
}

function row(day: DayTicks, micros: number): Html {
  const failures =
    day.failures > 0 ? html`<strong class="t-bad">${figure(day.failures)}</strong>` : figure(0);
  return html`<tr><th scope="row">${dayName(day.day)}</th><td class="n">${figure(day.ticks)}</td><td class="n">${figure(day.units)}</td><td class="n">${failures}</td><td class="n wide">${figure(day.halts)}</td><td class="n">${cents(micros)}</td></tr>`;
}
