import type { DaySpend } from "../../ops/history.ts";
import { type Html, html } from "../html.ts";
import { dayName, usd } from "../words.ts";

const HEIGHT = 130;
/** Room for the upper half of the line at the top. */
const TOP = 1;
/** A cap that is further above the spend than this would leave of the spend nothing to see. */
const CAP_SCALE_MAX = 5;

/**
 * Columns of days with the cap over them. Places across are per cent, so that the drawing takes any width without
 * stretching; labels are text outside of it.
 */
export function spendChart(days: readonly DaySpend[]): Html {
  const spent = days.map((day) => day.settledMicros + day.reservedMicros);
  const most = Math.max(0, ...spent);
  const total = spent.reduce((sum, each) => sum + each, 0);
  const cap = days.flatMap(({ capMicros }) => capMicros ?? []).at(-1) ?? null;
  const isCapShown = cap !== null && cap > 0 && cap <= most * CAP_SCALE_MAX;
  const scale = niceTop(Math.max(most, isCapShown ? cap : 0));
  const y = (micros: number) => TOP + (HEIGHT - TOP) * (1 - micros / scale);
  const summary = `${usd(total)} in ${days.length} days, at most ${usd(most)} a day`;
  const line = (kind: string, micros: number) =>
    html`<line class="${kind}" x1="0" x2="100%" y1="${y(micros)}" y2="${y(micros)}"/>`;
  return html`<figure class="chart">
<div class="scale" aria-hidden="true"><span>${usd(scale)}</span><span>${usd(scale / 2)}</span><span>0</span></div>
<svg role="img" aria-label="${summary}">${line("grid", scale)}${line("grid", scale / 2)}
${days.map((day, index) => column(day, (index * 100) / days.length, 100 / days.length, y))}
${isCapShown && line("cap", cap)}</svg>
<div class="dates" aria-hidden="true"><span>${dayName(days[0]?.day ?? "")}</span><span>${dayName(days.at(-1)?.day ?? "")}</span></div>
</figure>
<p class="legend"><span>${summary}</span>${SWATCHES}${capNote(cap, isCapShown)}</p>
${table(days)}`;
}

function column(day: DaySpend, left: number, step: number, y: (micros: number) => number): Html {
  const { settledMicros: settled, reservedMicros: reserved } = day;
  if (settled + reserved === 0) return html``;
  const bar = (kind: string, micros: number) => {
    // What was spent at all is seen, however little.
    const top = Math.min(y(micros), HEIGHT - 1.5);
    return html`<rect class="${kind}" x="${(left + step * 0.1).toFixed(2)}%" width="${(step * 0.8).toFixed(2)}%" y="${top.toFixed(1)}" height="${(HEIGHT - top).toFixed(1)}"/>`;
  };
  return html`<g><title>${dayName(day.day)}: ${usd(settled)} settled, ${usd(reserved)} reserved</title>${
    reserved > 0 && bar("reserved", settled + reserved)
  }${settled > 0 && bar("settled", settled)}</g>`;
}

const SWATCHES = html`<span><svg aria-hidden="true"><rect class="settled" width="14" height="10"/></svg>settled</span><span><svg aria-hidden="true"><rect class="reserved" width="14" height="10"/></svg>reserved or unknown</span>`;

function capNote(cap: number | null, isShown: boolean): Html {
  if (cap === null || cap === 0) return html``;
  if (!isShown) return html`<span>the cap of ${usd(cap)} a day is beyond this scale</span>`;
  return html`<span><svg aria-hidden="true"><line class="cap" x2="14" y1="5" y2="5"/></svg>cap of ${usd(cap)} a day</span>`;
}

function table(days: readonly DaySpend[]): Html {
  const spent = days.filter((day) => day.settledMicros + day.reservedMicros > 0).reverse();
  if (spent.length === 0) return html``;
  const rows = spent.map(
    (day) =>
      html`<tr><th scope="row">${dayName(day.day)}</th><td class="n">${usd(day.settledMicros)}</td><td class="n">${usd(day.reservedMicros)}</td><td class="n">${day.capMicros === null ? "none" : usd(day.capMicros)}</td></tr>`,
  );
  return html`<details><summary>The days as a table</summary><table>
<thead><tr><th scope="col">Day</th><th scope="col" class="n">Settled</th><th scope="col" class="n">Reserved</th><th scope="col" class="n">Cap</th></tr></thead>
<tbody>${rows}</tbody></table></details>`;
}

/** The next of 1, 2, 5, 10, … above, so that the scale has round figures; a cent where nothing was spent. */
function niceTop(micros: number): number {
  if (micros <= 0) return 10_000;
  const power = 10 ** Math.floor(Math.log10(micros));
  const factor = [1, 2, 5, 10].find((each) => each * power >= micros) ?? 10;
  return factor * power;
}
