import { cents, figure } from "../../evidence/report/words.ts";
import type { DayTicks } from "../../ops/history.ts";
import { card, table } from "../elements.ts";
import { type Html, html } from "../html.ts";
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
export function daysSection({ days, spend }: Snapshot): Html {
  const costs = new Map(spend.map((day) => [day.day, day.settledMicros + day.reservedMicros]));
  const rows = days.toReversed().map(({ day, ticks, units, failures, halts }) => {
    const failed = failures > 0 ? html`<strong class="t-bad">${figure(failures)}</strong>` : 0;
    return [dayName(day), ticks, units, failed, halts, cents(costs.get(day) ?? 0)];
  });
  const strip = html`<ol class="strip">${days.map(cell)}</ol>\n`;
  return card("days", `The last ${days.length} days`, [strip, table(COLUMNS, rows)]);
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
