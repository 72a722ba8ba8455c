import { cents, figure } from "../../evidence/report/words.ts";
import type { DayTicks } from "../../ops/history.ts";
import { card, table } from "../elements.ts";
import { type Html, html, type Part } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { dayName } from "../words.ts";

const COLUMNS = [
  ["Day"],
  ["Ticks", "n"],
  ["Outputs", "n"],
  ["Failures", "n"],
  ["Halts", "n wide"],
  ["Spent", "n"],
] as const;

/** Two weeks at a glance: a cell a day, and under it the figures. */
export function daysSection({ days, spend, tickTotals }: Snapshot): Html {
  const all = Object.values(tickTotals).reduce((sum, ticks) => sum + (ticks ?? 0), 0);
  const shown = days.reduce((sum, { ticks }) => sum + ticks, 0);
  if (all === 0)
    return card("days", `The last ${days.length} days`, html`<p class="quiet">Nothing has run yet.</p>`);
  // Days before the first tick of all say that nothing had run; a pause later on is zeros.
  const first = all > shown ? 0 : days.findIndex(({ ticks }) => ticks > 0);
  const costs = new Map(spend.map((day) => [day.day, day.settledMicros + day.reservedMicros]));
  const rows: Part[][] = days
    .slice(first)
    .reverse()
    .map(({ day, ticks, units, failures, halts }) => {
      const failed = failures > 0 ? html`<strong class="t-bad">${figure(failures)}</strong>` : 0;
      return [dayName(day), ticks, units, failed, halts, cents(costs.get(day) ?? 0)];
    });
  const strip = html`<ol class="strip">${days.map(cell)}</ol>\n`;
  const before =
    first > 0 && html`<p class="quiet small">Nothing had run before ${dayName(days[first]?.day ?? "")}.</p>`;
  return card("days", `The last ${days.length} days`, [strip, table(COLUMNS, rows), before]);
}

function levelOf({ ticks, failures, halts }: DayTicks): "none" | "ok" | "warn" | "bad" {
  if (ticks === 0) return "none";
  if (failures > 0) return "bad";
  return halts > 0 ? "warn" : "ok";
}

const SAID = { none: "no tick", ok: "went well", warn: "halted", bad: "failures" };

function cell(day: DayTicks): Html {
  const level = levelOf(day);
  const name = dayName(day.day);
  const mark = day.failures || day.halts || "";
  return html`<li class="${level}"><b aria-hidden="true">${mark}</b><span aria-hidden="true">${name.split(" ")[0]}</span><span class="hidden">${name}: ${SAID[level]}</span></li>`;
}
