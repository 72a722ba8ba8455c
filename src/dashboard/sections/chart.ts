import { type Html, html } from "../html.ts";

const HEIGHT = 130;
/** Room for the upper half of the line at the top. */
const TOP = 1;
/** What there is at all is seen, however little. */
const BAR_MIN = 1.5;

/** A chart of columns. Places across are per cent, so that the drawing takes any width without stretching. */
interface Chart {
  /** Says the same in words. */
  summary: string;
  /** Of the columns, oldest first. */
  labels: readonly string[];
  /** The value at the top. */
  scale: number;
  text(value: number): string;
  /** The bars, in the order of the labels. */
  columns: readonly Html[];
  /** More lines across. */
  lines?: Html | false;
}

/** The drawing with its scale and the first and last label; labels are text outside of it. */
export function chart({ summary, labels, scale, text, columns, lines = false }: Chart): Html {
  return html`<figure class="chart">
<div class="scale" aria-hidden="true"><span>${text(scale)}</span><span>${text(scale / 2)}</span><span>0</span></div>
<svg role="img" aria-label="${summary}">${line("grid", 1)}${line("grid", 0.5)}
${columns}
${lines}</svg>
<div class="dates" aria-hidden="true"><span>${labels[0] ?? ""}</span><span>${labels.length > 1 && labels.at(-1)}</span></div>
</figure>`;
}

/** A line across at this share of the height. */
export function line(kind: string, share: number): Html {
  const y = HEIGHT - (HEIGHT - TOP) * share;
  return html`<line class="${kind}" x1="0" x2="100%" y1="${y}" y2="${y}"/>`;
}

/** One bar; `left` and `width` in per cent, `share` and `below` (what it stands on) of the height. */
export function bar(kind: string, at: { left: number; width: number; share: number; below?: number }): Html {
  const height = Math.max(BAR_MIN, (HEIGHT - TOP) * at.share);
  const y = HEIGHT - (HEIGHT - TOP) * (at.below ?? 0) - height;
  return html`<rect class="${kind}" x="${at.left.toFixed(2)}%" width="${at.width.toFixed(2)}%" y="${y.toFixed(1)}" height="${height.toFixed(1)}"/>`;
}

/** A colour with what it means. */
export function legend(kind: string, text: string): Html {
  return html`<span><svg aria-hidden="true"><rect class="${kind}" width="14" height="10"/></svg>${text}</span>`;
}

/** The next of 1, 2, 5, 10, … above, so that the scale has round figures; `least` where there is nothing. */
export function niceTop(value: number, least: number): number {
  if (value <= 0) return least;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}
