import { dayIn } from "../../lib/days.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { type Column, markdownTable, plainMarkdown } from "../../lib/markdown.ts";
import { callCells, clientTables } from "./client-table.ts";
import type { Report } from "./read-report.ts";
import type { Worth } from "./sums.ts";
import { cents, count, dollars, figure, hours, moment, percent, ratioText } from "./words.ts";

/** A part of a report, for whatever shows it: sentences, then a table. All of it is plain text. */
export type Section = ReturnType<typeof section>;

/** A table of plain text. */
export interface Table {
  columns: Required<Column>[];
  rows: string[][];
}

/** `week:left in:right` says title and side of each column; no rows are no table. */
function section(
  [id, title]: readonly [id: string, title: string],
  lines: string[],
  columns = "",
  rows: string[][] = [],
) {
  const titles = [...columns.matchAll(/(\S.*?):(left|right)(?: |$)/g)].map(([, name = "", align]) => ({
    title: name,
    align: align === "right" ? ("right" as const) : ("left" as const),
  }));
  const table: Table | null = rows.length === 0 ? null : { columns: titles, rows };
  return { id, title, lines, table };
}

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
    ...clientTables(report).map(({ lines, columns, rows }) =>
      section(["clients", "Cost by client of the gateway"], lines, columns, rows),
    ),
    jobs(report),
    section(["compare", "Free against paid"], comparisonLines(report)),
    incidents(report),
    drills(report),
    section(["days", "Unattended days"], [daysText(report.days)]),
  ];
}

function summary(report: Report): Section {
  const { total, unknown, hourlyRateUsd } = report;
  return section(["sum", "In sum"], [], "item:left amount:right means:left", [
    ["dollars in", dollars(total.costMicros), unknownText(unknown)],
    [
      "value out",
      dollars(total.savedMicros),
      `${count(total.units, "unit")}, ${hours(total.minutesSaved)} saved at $${hourlyRateUsd} an hour`,
    ],
    ["net", dollars(total.netMicros), "value out less dollars in"],
    ["ratio", ratioText(total), ratioMeaning(report)],
    ["went well", percent(report.successRate), ticksText(report.ticks)],
  ]);
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

function ticksText(ticks: Report["ticks"]): string {
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

function weeks({ weeks: all }: Report): Section {
  // Weeks before the first in which something ran are no zeros.
  const first = all.findIndex(({ ticks, units, costMicros }) => ticks.ticks + units + costMicros > 0);
  const rows = first === -1 ? [] : all.slice(first);
  const before = all[first]?.firstDay ?? null;
  const isCut = rows.some(({ isWhole }) => !isWhole);
  return section(
    ["weeks", "By week"],
    [
      ...(first === -1 ? ["Nothing ran."] : []),
      ...(first > 0 && before !== null ? [`Nothing ran before the week of ${before}.`] : []),
      ...(isCut ? ["* not a whole week"] : []),
    ],
    "week:left from:left ticks:right well:right units:right in:right out:right net:right ratio:right",
    rows.map((row) => [
      `${row.week}${row.isWhole ? "" : "*"}`,
      row.firstDay,
      figure(row.ticks.ticks),
      percent(row.successRate),
      figure(row.units),
      ...worthCells(row),
    ]),
  );
}

function worthCells(worth: Worth): string[] {
  return [...[worth.costMicros, worth.savedMicros, worth.netMicros].map(cents), ratioText(worth)];
}

function models({ models: rows }: Report): Section {
  return section(
    ["models", "Cost by model"],
    rows.length === 0 ? ["No model was asked."] : [],
    "model:left calls:right unknown:right degraded:right tok in:right tok out:right cost:right",
    rows.map((row) => [row.model, ...callCells(row)]),
  );
}

function jobs({ jobs: rows }: Report): Section {
  return section(
    ["jobs", "Value by job"],
    rows.length === 0 ? ["No job was done."] : [],
    "job:left runs:right units:right min/unit:right in:right out:right net:right ratio:right",
    rows.map((row) => [
      row.job ?? "(no job)",
      figure(row.runs),
      figure(row.units),
      row.minutesPerUnit === null ? "-" : String(row.minutesPerUnit),
      ...worthCells(row),
    ]),
  );
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
    `Of the value out, ${dollars(total.savedMicros)}, that would have left ${dollars(total.netMicros - more)}.`,
    ...(uncounted === 0 ? [] : [unknown]),
    "Each model counts tokens in its own way, so take it for a figure to decide by, not for a bill.",
  ];
}

function incidents({ incidents: found, timezone }: Report): Section {
  return section(
    ["incidents", "Incidents"],
    [incidentsText(found)],
    "opened:left event:left times:right recovered:left what:left",
    found.newest.map((row) => [
      moment(row.openedAt, timezone),
      row.event,
      figure(row.count),
      row.recoveryMs === null
        ? row.isClosed
          ? "closed"
          : "not yet"
        : `in ${formatDuration(row.recoveryMs)}`,
      row.title,
    ]),
  );
}

/** What broke, in a sentence. */
export function incidentsText(found: Report["incidents"]): string {
  if (found.total === 0) return "None.";
  const { medianRecoveryMs: median, longestRecoveryMs: longest, newest } = found;
  const parts = [
    `${count(found.total, "incident")}, ${found.lasting === 0 ? "none of them lasting" : `${figure(found.lasting)} still lasting`}`,
    ...(median === null || longest === null
      ? []
      : [`recovered in ${formatDuration(median)} (median), ${formatDuration(longest)} at the longest`]),
    ...(found.unexplained === 0 ? [] : [`${figure(found.unexplained)} over but unexplained (afk incidents)`]),
  ];
  const isCut = newest.length < found.total ? ` The newest ${newest.length}:` : "";
  return `${parts.join("; ")}.${isCut}`;
}

function drills({ drills: rows, timezone }: Report): Section {
  return section(
    ["drills", "Drills"],
    rows.length === 0 ? ["None: no safety was fired on purpose in this time (afk drill)."] : [],
    "drill:left runs:right passed:right last:left outcome:left",
    rows.map((row) => [
      row.name,
      figure(row.runs),
      figure(row.passed),
      moment(row.lastAt, timezone),
      row.hasLastPassed ? "passed" : "FAILED",
    ]),
  );
}

/** The clock, in a sentence. */
export function daysText(found: Report["days"]): string {
  if (!found.isStarted) return "The clock was never started (afk clock start).";
  return `The clock stands at ${count(found.count, "day")}. In this time ${count(found.days, "day")} ended, ${figure(found.attended)} of them attended; the count reached ${figure(found.longest)}.`;
}

/** The whole report as a Markdown file. */
export function renderMarkdown(report: Report): string {
  const { agent, version, madeAt, timezone } = report;
  return `${[
    `# ${plainMarkdown(agent)}: ${plainMarkdown(spanText(report))}`,
    `Made ${moment(madeAt, timezone)} by afk ${plainMarkdown(version)}. Value out is \`units x minutes / 60 x rate\`; net is that less dollars in; ratio is value out for each dollar in.`,
    ...sectionsOf(report).flatMap((section) => [`## ${section.title}`, ...sectionParts(section)]),
  ].join("\n\n")}\n`;
}

/** A section's sentences and its table, as paragraphs. */
export function sectionParts({ lines, table }: Section): string[] {
  return [
    ...(lines.length === 0 ? [] : [lines.map(plainMarkdown).join("\n")]),
    ...(table === null
      ? []
      : [
          markdownTable(
            table.columns,
            table.rows.map((row) => row.map(plainMarkdown)),
          ),
        ]),
  ];
}
