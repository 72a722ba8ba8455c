import type { Report } from "../evidence/report/read-report.ts";
import type { Section, Table } from "../evidence/report/section.ts";
import { sectionsOf, spanText } from "../evidence/report/sections.ts";
import { dollars, moment } from "../evidence/report/words.ts";
import { toIso } from "../lib/clock.ts";
import { document, table } from "./elements.ts";
import { type Html, html } from "./html.ts";
import { bar, chart, legend, niceTop } from "./sections/chart.ts";
import { STYLE } from "./style.ts";
import { foreign } from "./words.ts";

/** The whole report as one page that needs nothing but itself: no script, nothing from elsewhere, light and dark. */
export function renderReportPage(report: Report): string {
  const { agent, madeAt, timezone, version } = report;
  const title = html`${agent}: ${spanText(report)}`;
  const [summary, ...sections] = sectionsOf(report);
  const body = html`<header class="top"><h1>${foreign(agent)}, ${spanText(report)}</h1>
<p class="quiet small">Made <time datetime="${toIso(madeAt)}">${moment(madeAt, timezone)}</time> by afk ${version}</p></header>
<main>
${summary !== undefined && summaryCard(summary)}
<div class="columns">${chartCards(report)}</div>
${sections.map(card)}
</main>
<footer class="quiet small">Value out is units x minutes / 60 x rate. Net is that less dollars in. Ratio is value out for each dollar in.</footer>`;
  const head = html`<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  return document({ title, head, style: `${STYLE}${REPORT_STYLE}`, body });
}

const REPORT_STYLE = `
.sums{display:grid;grid-template-columns:repeat(5,minmax(0,1fr));gap:12px 20px;margin:0}
.sums dt{color:var(--quiet);font-size:.8rem}
.sums dd{margin:0;font-size:1.45rem;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
.sums small{display:block;font-weight:400;font-size:.82rem;line-height:1.4;color:var(--quiet)}
.scroll th,.scroll td{overflow-wrap:break-word;white-space:nowrap}.scroll td:last-child:not(.n){white-space:normal;min-width:9rem}
.bar-in,.bar-idle{fill:var(--spent)}.bar-out,.bar-well{fill:var(--ok-fill)}.bar-bad{fill:var(--bad-fill)}.bar-halted{fill:var(--warn-fill)}
@media(max-width:860px){.sums{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media print{.columns{grid-template-columns:1fr 1fr}}`;

function summaryCard({ title, table }: Section): Html {
  const rows = table?.rows ?? [];
  return html`<section class="card" aria-label="${title}"><dl class="sums">${rows.map(
    ([name = "", amount = "", meaning = ""]) =>
      html`<div><dt>${name}</dt><dd>${amount}<small>${meaning}</small></dd></div>`,
  )}</dl></section>`;
}

function chartCards({ weeks }: Report): Html {
  const labels = weeks.map(({ week }) => week);
  const worth = barsChart({
    labels,
    series: [
      { name: "value out", kind: "out", values: weeks.map(({ valueMicros }) => valueMicros) },
      { name: "dollars in", kind: "in", values: weeks.map(({ costMicros }) => costMicros) },
    ],
    isStacked: false,
    text: dollars,
  });
  const ticks = barsChart({
    labels,
    series: [
      { name: "with work", kind: "well", values: weeks.map((row) => row.ticks.ok) },
      { name: "idle", kind: "idle", values: weeks.map((row) => row.ticks.idle) },
      { name: "halted", kind: "halted", values: weeks.map((row) => row.ticks.halted) },
      { name: "failed", kind: "bad", values: weeks.map((row) => row.ticks.failed + row.ticks.crashed) },
    ],
    isStacked: true,
    text: (value) => Math.round(value).toLocaleString("en-US"),
  });
  return html`<section class="card" aria-labelledby="h-worth"><h2 id="h-worth">Value out and dollars in</h2>${worth}</section>
<section class="card" aria-labelledby="h-ticks"><h2 id="h-ticks">Ticks</h2>${ticks}</section>`;
}

function card({ id, title, lines, table }: Section): Html {
  return html`<section class="card" aria-labelledby="h-${id}"><h2 id="h-${id}">${title}</h2>
${lines.map((line) => html`<p>${line}</p>`)}${table !== null && tableOf(table, title)}</section>
`;
}

function tableOf({ columns, rows }: Table, title: string): Html {
  const titles = columns.map((column) => [column.title, column.align === "right" ? "n" : ""] as const);
  const cells = rows.map((row) => row.map((cell) => foreign(cell)));
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}">${table(titles, cells)}</div>`;
}

/** Columns of several series, each in its colour. */
interface BarsChart {
  /** Of the columns, oldest first. */
  labels: string[];
  /** `kind` is the colour, `bar-kind` of the style sheet. Each has a value, 0 or more, for each label. */
  series: { name: string; kind: string; values: number[] }[];
  /** One column of parts instead of columns side by side. */
  isStacked: boolean;
  text(value: number): string;
}

function barsChart({ labels, series, isStacked, text }: BarsChart): Html {
  const values = labels.map((_, at) => series.map((each) => each.values[at] ?? 0));
  const sums = values.map((parts) => parts.reduce((sum, part) => sum + part, 0));
  const scale = niceTop(Math.max(0, ...(isStacked ? sums : values.flat())), 2);
  const step = 100 / Math.max(1, labels.length);
  const width = isStacked ? step * 0.7 : (step * 0.7) / series.length;
  const totals = series.map(
    ({ name, values: each }) => `${name} ${text(each.reduce((sum, v) => sum + v, 0))}`,
  );
  const columns = labels.map((label, at) => {
    const said = series.map((each, index) => `${each.name} ${text(values[at]?.[index] ?? 0)}`).join(", ");
    let below = 0;
    const bars = series.map(({ kind }, index) => {
      const share = (values[at]?.[index] ?? 0) / scale;
      if (share === 0) return html``;
      const left = at * step + step * 0.15 + (isStacked ? 0 : index * width);
      const drawn = bar(`bar-${kind}`, { left, width, share, below });
      if (isStacked) below += share;
      return drawn;
    });
    return html`<g><title>${label}: ${said}</title>${bars}</g>`;
  });
  return html`${chart({ summary: totals.join(", "), labels, scale, text, columns })}
<p class="legend">${series.map(({ kind }, at) => legend(`bar-${kind}`, totals[at] ?? ""))}</p>`;
}
