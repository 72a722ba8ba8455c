import type { WeeksSide } from "./compare-weeks.ts";
import type { Report } from "./read-report.ts";
import { type Section, section } from "./section.ts";
import { cents, count, dollars, figure, percent, ratioText } from "./words.ts";

/** Whether any output is billed: where none is, the reports have no column for it. */
export function isBilled({ jobs }: Pick<Report, "jobs">): boolean {
  return jobs.some(({ rung }) => rung === 3);
}

/** What the same tokens would have cost elsewhere, and free weeks beside paid ones, where either was asked for. */
export function comparisons(report: Report): Section[] {
  return [section(["compare", "Free against paid"], comparisonLines(report)), ...freeAndPaid(report)];
}

/** Weeks that cost nothing beside those that cost something, where it was asked for. */
function freeAndPaid(report: Report): Section[] {
  const found = report.freeAndPaid;
  if (found === null) return [];
  const { free, paid } = found;
  const missing = free.weeks === 0 ? "cost nothing" : paid.weeks === 0 ? "cost something" : null;
  const row = (name: string, text: (side: WeeksSide) => string) => [name, text(free), text(paid)];
  return [
    section(
      ["free-and-paid", "Free weeks beside paid ones"],
      [
        "Whole weeks in which something ran; amounts are of one week on average.",
        ...(missing === null
          ? []
          : [`No such week ${missing}: there is nothing to compare with yet (--since looks further back).`]),
      ],
      "figure:left free:right paid:right",
      [
        row("weeks", ({ weeks }) => figure(weeks)),
        row("units", ({ units }) => (Math.round(units * 10) / 10).toLocaleString("en-US")),
        row("dollars in", ({ costMicros }) => cents(costMicros)),
        row("time saved", ({ savedMicros }) => cents(savedMicros)),
        ...(isBilled(report) ? [row("billed", ({ revenueMicros }) => cents(revenueMicros))] : []),
        row("net", ({ netMicros }) => cents(netMicros)),
        row("ratio", (side) =>
          ratioText({ ratio: side.ratio, valueMicros: side.savedMicros + side.revenueMicros }),
        ),
        row("went well", (side) => percent(side.successRate)),
        row("rated up", ({ ratedUp, rated }) => (ratedUp === null ? "-" : `${percent(ratedUp)} of ${rated}`)),
      ],
    ),
  ];
}

function comparisonLines({ comparison: found, total }: Report): string[] {
  if (found === null)
    return ["What the same tokens would cost elsewhere: afk report --compare provider/model"];
  const { model, price, inputTokens, outputTokens, uncounted, paidMicros, wouldCostMicros } = found;
  if (inputTokens + outputTokens === 0)
    return [`Nothing to price on ${model}: no call has counted tokens. The built-in summariser counts none.`];
  const more = wouldCostMicros - paidMicros;
  const unknown = `${count(uncounted, "call")} without counted tokens ${uncounted === 1 ? "is" : "are"} not in this.`;
  return [
    `The ${figure(inputTokens)} tokens in and ${figure(outputTokens)} out that were counted cost ${dollars(paidMicros)}.`,
    `On ${model} they would have cost ${dollars(wouldCostMicros)}, ${more >= 0 ? `${dollars(more)} more` : `${dollars(-more)} less`}, at $${price.input} in and $${price.output} out for a million (${found.pricesFrom}).`,
    `Of the value out, ${dollars(total.valueMicros)}, that would have left ${dollars(total.netMicros - more)}.`,
    ...(uncounted === 0 ? [] : [unknown]),
    "Each model counts tokens in its own way, so take it for a figure to decide by, not for a bill.",
  ];
}
