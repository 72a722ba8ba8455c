import type { DaySpend } from "../../ops/history.ts";
import type { Status } from "../../ops/status.ts";
import { type Html, html } from "../html.ts";
import { usdText } from "../words.ts";
import { spendChart } from "./spend-chart.ts";

/** Where a bar turns from calm to careful, and where the window is as good as full, as shares of the cap. */
const NEAR = 0.8;
const FULL = 0.995;
const TITLES = {
  tick: "This tick",
  job: "This job",
  hour: "Last 60 minutes",
  day: "Today",
  month: "This month",
};

export function spendSection({ status, spend }: { status: Status; spend: readonly DaySpend[] }): Html {
  return html`<section class="card" data-part="spend" aria-labelledby="h-spend">
<h2 id="h-spend">Spend against the caps</h2>
<div class="caps">${status.spend.map(capBar)}</div>
${spendChart(spend)}
</section>`;
}

function capBar(window: Status["spend"][number]): Html {
  const { capUsd, settledUsd, reservedUsd } = window;
  const spent = settledUsd + reservedUsd;
  const title = TITLES[window.window];
  const parts = `${usdText(settledUsd)} settled${reservedUsd > 0 ? `, ${usdText(reservedUsd)} reserved` : ""}`;
  if (capUsd === null) {
    return html`<div><strong>${title}</strong><span class="num">${usdText(spent)}</span><small>${parts}; this window has no cap</small></div>`;
  }
  const share = capUsd === 0 ? 1 : spent / capUsd;
  const level = share >= FULL ? "full" : share >= NEAR ? "near" : "";
  const percent = (part: number) =>
    `${(capUsd === 0 ? 0 : Math.min(100, (part / capUsd) * 100)).toFixed(2)}%`;
  const words = capUsd === 0 ? "a cap of 0: nothing may be spent" : `${Math.floor(share * 100)} %: ${parts}`;
  return html`<div class="${level}"><strong>${title}</strong><span class="num">${usdText(spent)} <span class="quiet">of ${usdText(capUsd)}</span></span>
<svg aria-hidden="true"><rect class="reserved" width="${percent(spent)}" height="9"/><rect class="settled" width="${percent(settledUsd)}" height="9"/></svg>
<small>${words}</small></div>`;
}
