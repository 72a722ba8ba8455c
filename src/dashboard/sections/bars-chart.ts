import { type Html, html } from "../html.ts";

export interface BarsChart {
  /** Of the columns, oldest first. */
  labels: string[];
  /** `kind` is the colour, `bar-kind` of the style sheet. Each has a value, 0 or more, for each label. */
  series: { name: string; kind: string; values: number[] }[];
  /** One column of parts instead of columns side by side. */
  isStacked: boolean;
  text(value: number): string;
}

const HEIGHT = 130;
const TOP = 1;

/** Columns whose places across are per cent, so that the drawing takes any width; all figures are in the tables too. */
export function barsChart({ labels, series, isStacked, text }: BarsChart): Html {
  const values = labels.map((_, at) => series.map((each) => each.values[at] ?? 0));
  const sums = values.map((parts) => parts.reduce((sum, part) => sum + part, 0));
  const scale = niceTop(Math.max(0, ...(isStacked ? sums : values.flat())));
  const step = 100 / Math.max(1, labels.length);
  const lines = [TOP, (HEIGHT + TOP) / 2].map(
    (y) => html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/>`,
  );
  const told = series.map(({ name, values: each }) => `${name} ${text(each.reduce((sum, v) => sum + v, 0))}`);
  return html`<figure class="chart">
<div class="scale" aria-hidden="true"><span>${text(scale)}</span><span>${text(scale / 2)}</span><span>0</span></div>
<svg role="img" aria-label="${told.join(", ")}">${lines}
${labels.map((label, at) => {
  const parts = series.map((each) => `${each.name} ${text(each.values[at] ?? 0)}`).join(", ");
  return html`<g><title>${label}: ${parts}</title>${columnOf(at)}</g>`;
})}</svg>
<div class="dates" aria-hidden="true"><span>${labels[0] ?? ""}</span><span>${labels.length > 1 && labels.at(-1)}</span></div>
</figure>
<p class="legend">${series.map(({ kind }, at) => html`<span><svg aria-hidden="true"><rect class="bar-${kind}" width="14" height="10"/></svg>${told[at]}</span>`)}</p>`;

  function columnOf(at: number): Html[] {
    let below = 0;
    return series.map(({ kind }, index) => {
      const value = values[at]?.[index] ?? 0;
      if (value === 0) return html``;
      // What there is at all is seen, however little.
      const height = Math.max(1.5, ((HEIGHT - TOP) * value) / scale);
      const width = isStacked ? step * 0.7 : (step * 0.7) / series.length;
      const left = at * step + step * 0.15 + (isStacked ? 0 : index * width);
      const y = HEIGHT - below - height;
      if (isStacked) below += height;
      return html`<rect class="bar-${kind}" x="${left.toFixed(2)}%" width="${width.toFixed(2)}%" y="${y.toFixed(1)}" height="${height.toFixed(1)}"/>`;
    });
  }
}

/** The next of 1, 2, 5, 10, … above, so that the scale has round figures. */
function niceTop(value: number): number {
  if (value <= 0) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}
