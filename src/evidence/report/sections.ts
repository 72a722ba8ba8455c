import { dayIn } from "../../lib/days.ts";
import { days, drills, incidents } from "./evidence-sections.ts";
import type { Report } from "./read-report.ts";
import { type Section, table } from "./section.ts";
import type { TickSums } from "./ticks.ts";
import { cents, count, dollars, figure, hours, percent, ratioText, short } from "./words.ts";

/** `2026-10-26 to 2026-11-21, Europe/Berlin`: both days are in it. */
export function spanText({ fromMs, untilMs, timezone }: Report): string {
  return `${dayIn(fromMs, timezone)} to ${dayIn(untilMs - 1, timezone)}, ${timezone}`;
}

/** Everything that a report says, in order. */
export function sectionsOf(report: Report): Section[] {
  return [
    summary(report),
    weeks(report),
    models(report),
    jobs(report),
    comparison(report),
    incidents(report),
    drills(report),
    days(report),
  ];
}

function summary(report: Report): Section {
  const { total, unknown, hourlyRateUsd } = report;
  return {
    id: "sum",
    title: "In sum",
    lines: [],
    table: table("item:left amount:right means:left", [
      ["dollars in", dollars(total.costMicros), unknownText(unknown)],
      [
        "value out",
        dollars(total.savedMicros),
        `${count(total.units, "unit")}, ${hours(total.minutesSaved)} saved at $${hourlyRateUsd} an hour`,
      ],
      ["net", dollars(total.netMicros), "value out less dollars in"],
      ["ratio", ratioText(total), ratioMeaning(report)],
      ["went well", percent(report.successRate), ticksText(report.ticks)],
    ]),
  };
}

function unknownText({ calls, micros }: Report["unknown"]): string {
  if (calls === 0) return "none of it unknown";
  return `${dollars(micros)} of it unknown, in ${count(calls, "call")}: afk ledger`;
}

function ratioMeaning({ total, minRatio }: Report): string {
  const floor = minRatio === null ? "" : `; the floor of a week is ${minRatio}`;
  if (total.ratio !== null) return `dollars out for each dollar in${floor}`;
  return `nothing was put in${floor}`;
}

function ticksText(ticks: TickSums): string {
  const bad = ticks.failed + ticks.crashed;
  const parts = [
    `${figure(ticks.ok)} with work`,
    `${figure(ticks.idle)} idle`,
    `${figure(bad)} failed`,
    `${figure(ticks.halted)} halted by a rail`,
    ...(ticks.byHand === 0 ? [] : [`${figure(ticks.byHand)} by hand`]),
  ];
  return `${count(ticks.ticks, "tick")}: ${parts.join(", ")}`;
}

function weeks({ weeks: rows }: Report): Section {
  const isCut = rows.some(({ isWhole }) => !isWhole);
  return {
    id: "weeks",
    title: "By week",
    lines: isCut ? ["* not a whole week"] : [],
    table: table(
      "week:left from:left ticks:right well:right units:right in:right out:right net:right ratio:right",
      rows.map((row) => [
        `${row.week}${row.isWhole ? "" : "*"}`,
        row.firstDay,
        figure(row.ticks.ticks),
        percent(row.successRate),
        figure(row.units),
        cents(row.costMicros),
        cents(row.savedMicros),
        cents(row.netMicros),
        ratioText(row),
      ]),
    ),
  };
}

function models({ models: rows }: Report): Section {
  return {
    id: "models",
    title: "Cost by model",
    lines: rows.length === 0 ? ["No model was asked."] : [],
    table: table(
      "model:left calls:right unknown:right degraded:right tok in:right tok out:right cost:right",
      rows.map((row) => [
        row.model,
        figure(row.calls),
        figure(row.unknown),
        figure(row.degraded),
        short(row.inputTokens),
        short(row.outputTokens),
        cents(row.costMicros),
      ]),
    ),
  };
}

function jobs({ jobs: rows }: Report): Section {
  return {
    id: "jobs",
    title: "Value by job",
    lines: rows.length === 0 ? ["No job was done."] : [],
    table: table(
      "job:left runs:right units:right min/unit:right in:right out:right net:right ratio:right",
      rows.map((row) => [
        row.job ?? "(no job)",
        figure(row.runs),
        figure(row.units),
        row.minutesPerUnit === null ? "-" : String(row.minutesPerUnit),
        cents(row.costMicros),
        cents(row.savedMicros),
        cents(row.netMicros),
        ratioText(row),
      ]),
    ),
  };
}

function comparison({ comparison: found, total }: Report): Section {
  const section = { id: "compare", title: "Free against paid", table: null };
  if (found === null)
    return {
      ...section,
      lines: ["What the same tokens would cost elsewhere: afk report --compare provider/model"],
    };
  const { model, price, pricesFrom, inputTokens, outputTokens, uncounted, paidMicros, wouldCostMicros } =
    found;
  if (inputTokens + outputTokens === 0)
    return {
      ...section,
      lines: [
        `Nothing to price on ${model}: no call has counted tokens. The built-in summariser counts none.`,
      ],
    };
  const more = wouldCostMicros - paidMicros;
  return {
    ...section,
    lines: [
      `The ${figure(inputTokens)} tokens in and ${figure(outputTokens)} out that were counted cost ${dollars(paidMicros)}.`,
      `On ${model} they would have cost ${dollars(wouldCostMicros)}, ${more >= 0 ? `${dollars(more)} more` : `${dollars(-more)} less`}, at $${price.input} in and $${price.output} out for a million (${pricesFrom}).`,
      `Of the value out, ${dollars(total.savedMicros)}, that would have left ${dollars(total.netMicros - more)}.`,
      ...(uncounted === 0
        ? []
        : [
            `${count(uncounted, "call")} without counted tokens ${uncounted === 1 ? "is" : "are"} not in this.`,
          ]),
      "Each model counts tokens in its own way, so take it for a figure to decide by, not for a bill.",
    ],
  };
}
