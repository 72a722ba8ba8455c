import { dollars } from "../../evidence/report/words.ts";
import { AGENT, formatAmount, scopeWords, WINDOWS } from "../../lib/windows.ts";
import { grantText } from "../../ops/condition/questions.ts";
import type { DaySpend } from "../../ops/history.ts";
import type { Status } from "../../ops/status.ts";
import { card, table } from "../elements.ts";
import { type Html, html } from "../html.ts";
import { dayName, foreign, usdText } from "../words.ts";
import { bar, chart, legend, line, niceTop } from "./chart.ts";

/** The share of its cap from which a bar is drawn as near to it. */
const NEAR = 0.8;
/** The share of its cap from which a window counts as reached: a call whose worst case does not fit is refused before. */
const FULL = 0.995;

/** Each window against its cap, and the days. */
export function spendSection({ status, spend }: { status: Status; spend: readonly DaySpend[] }): Html {
  return card("spend", "Spend against the caps", [
    html`<div class="caps">${status.spend.map(capBar)}</div>`,
    html`${status.grants.map((grant) => html`<p class="quiet">Granted: ${foreign(grantText(grant))}</p>`)}`,
    spendChart(spend),
  ]);
}

function capBar(window: Status["spend"][number]): Html {
  const { unit, scope, cap, settled, reserved } = window;
  const spent = settled + reserved;
  const name = WINDOWS.find((each) => each.name === window.window)?.title;
  const title = html`${name}${scope === AGENT ? "" : html`, ${scopeWords(scope)}`}`;
  const text = (amount: number) => (unit === "usd" ? usdText(amount) : formatAmount(unit, amount));
  const parts = `${text(settled)} settled${reserved > 0 ? `, ${text(reserved)} reserved` : ""}`;
  if (cap === null) {
    return html`<div><strong>${title}</strong><span class="num">${text(spent)}</span><small>${parts}; this window has no cap</small></div>`;
  }
  const share = cap === 0 ? 1 : spent / cap;
  const level = share >= FULL ? "full" : share >= NEAR ? "near" : "";
  const percent = (part: number) => `${(cap === 0 ? 0 : Math.min(100, (part / cap) * 100)).toFixed(2)}%`;
  const words = cap === 0 ? "a cap of 0: nothing may be spent" : `${Math.floor(share * 100)} %: ${parts}`;
  return html`<div class="${level}"><strong>${title}</strong><span class="num">${text(spent)} <span class="quiet">of ${text(cap)}</span></span>
<svg aria-hidden="true"><rect class="reserved" width="${percent(spent)}" height="9"/><rect class="settled" width="${percent(settled)}" height="9"/></svg>
<small>${words}</small></div>`;
}

/** A cap that is further above the spend than this would leave of the spend nothing to see. */
const CAP_SCALE_MAX = 5;

/** Columns of days with the cap over them. */
function spendChart(days: readonly DaySpend[]): Html {
  const spent = days.map((day) => day.settledMicros + day.reservedMicros);
  const most = Math.max(0, ...spent);
  const total = spent.reduce((sum, each) => sum + each, 0);
  const cap = days.flatMap(({ capMicros }) => capMicros ?? []).at(-1) ?? null;
  const isCapShown = cap !== null && cap > 0 && cap <= most * CAP_SCALE_MAX;
  const scale = niceTop(Math.max(most, isCapShown ? cap : 0), 10_000);
  const summary = `${dollars(total)} in ${days.length} days, at most ${dollars(most)} a day`;
  const step = 100 / days.length;
  const columns = days.map((day, index) =>
    column(day, { left: (index + 0.1) * step, width: step * 0.8, scale }),
  );
  const labels = days.map(({ day }) => dayName(day));
  const lines = isCapShown && line("cap", cap / scale);
  return html`${chart({ summary, labels, scale, text: dollars, columns, lines })}
<p class="legend"><span>${summary}</span>${legend("settled", "settled")}${legend("reserved", "reserved or unknown")}${capNote(cap, isCapShown)}</p>
${daysTable(days)}`;
}

function column(day: DaySpend, { scale, ...at }: { left: number; width: number; scale: number }): Html {
  const { settledMicros: settled, reservedMicros: reserved } = day;
  if (settled + reserved === 0) return html``;
  return html`<g><title>${dayName(day.day)}: ${dollars(settled)} settled, ${dollars(reserved)} reserved</title>${
    reserved > 0 && bar("reserved", { ...at, share: (settled + reserved) / scale })
  }${settled > 0 && bar("settled", { ...at, share: settled / scale })}</g>`;
}

function capNote(cap: number | null, isShown: boolean): Html {
  if (cap === null || cap === 0) return html``;
  if (!isShown) return html`<span>the cap of ${dollars(cap)} a day is beyond this scale</span>`;
  return html`<span><svg aria-hidden="true"><line class="cap" x2="14" y1="5" y2="5"/></svg>cap of ${dollars(cap)} a day</span>`;
}

function daysTable(days: readonly DaySpend[]): Html {
  const rows = days
    .filter((day) => day.settledMicros + day.reservedMicros > 0)
    .reverse()
    .map(({ day, settledMicros, reservedMicros, capMicros }) => [
      dayName(day),
      dollars(settledMicros),
      dollars(reservedMicros),
      capMicros === null ? "none" : dollars(capMicros),
    ]);
  if (rows.length === 0) return html``;
  const columns = [["Day"], ["Settled", "n"], ["Reserved", "n"], ["Cap", "n"]] as const;
  return html`<details><summary>The days as a table</summary>${table(columns, rows)}</details>`;
}
