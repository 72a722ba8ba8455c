import { dayIn } from "../../lib/days.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { markdownTable, plainMarkdown } from "../../lib/markdown.ts";
import { callCells, clientTables } from "./client-table.ts";
import { comparisons, isBilled } from "./comparisons.ts";
import type { Report } from "./read-report.ts";
import { type Section, section } from "./section.ts";
import type { Worth } from "./sums.ts";
import { cents, count, dollars, figure, hours, moment, percent, ratioText } from "./words.ts";

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
    ...comparisons(report),
    incidents(report),
    drills(report),
    section(["days", "Unattended days"], [daysText(report.days)]),
  ];
}

function summary(report: Report): Section {
  const { total, unknown, hourlyRateUsd } = report;
  const timeText = `${count(total.units, "unit")}, ${hours(total.minutesSaved)} saved at $${hourlyRateUsd} an hour`;
  return section(["sum", "In sum"], [], "item:left amount:right means:left", [
    ["dollars in", dollars(total.costMicros), unknownText(unknown)],
    ...(isBilled(report)
      ? [
          ["time saved", dollars(total.savedMicros), timeText],
          ["billed", dollars(total.revenueMicros), "units x revenue_usd_per_unit of their jobs"],
          ["value out", dollars(total.valueMicros), "both together"],
        ]
      : [["value out", dollars(total.valueMicros), timeText]]),
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

function weeks(report: Report): Section {
  const all = report.weeks;
  const hasBilled = isBilled(report);
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
    `week:left from:left ticks:right well:right units:right ${worthColumns(hasBilled)}`,
    rows.map((row) => [
      `${row.week}${row.isWhole ? "" : "*"}`,
      row.firstDay,
      figure(row.ticks.ticks),
      percent(row.successRate),
      figure(row.units),
      ...worthCells(row, hasBilled),
    ]),
  );
}

const worthColumns = (hasBilled: boolean) =>
  `in:right saved:right ${hasBilled ? "billed:right " : ""}net:right ratio:right`;

function worthCells(
  { costMicros, savedMicros, revenueMicros, ...worth }: Worth,
  hasBilled: boolean,
): string[] {
  const amounts = [costMicros, savedMicros, ...(hasBilled ? [revenueMicros] : []), worth.netMicros];
  return [...amounts.map(cents), ratioText(worth)];
}

function models({ models: rows }: Report): Section {
  return section(
    ["models", "Cost by model"],
    rows.length === 0 ? ["No model was asked."] : [],
    "model:left calls:right unknown:right degraded:right tok in:right tok out:right cost:right",
    rows.map((row) => [row.model, ...callCells(row)]),
  );
}

const RUNGS = { 1: "runs", 2: "saves", 3: "earns" } as const;

function jobs(report: Report): Section {
  const rows = report.jobs;
  const hasBilled = isBilled(report);
  return section(
    ["jobs", "Value by job"],
    rows.length === 0
      ? ["No job was done."]
      : [
          "Rung 1 runs, and afk.yaml says of no worth; rung 2 saves a person's time; rung 3 earns, as its output is billed.",
        ],
    `job:left rung:left runs:right units:right min/unit:right ${worthColumns(hasBilled)}`,
    rows.map((row) => [
      row.job ?? "(no job)",
      row.rung === null ? "-" : `${row.rung} ${RUNGS[row.rung]}`,
      figure(row.runs),
      figure(row.units),
      row.minutesPerUnit === null ? "-" : String(row.minutesPerUnit),
      ...worthCells(row, hasBilled),
    ]),
  );
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
    `Made ${moment(madeAt, timezone)} by afk ${plainMarkdown(version)}. Time saved is \`units x minutes / 60 x rate\`, what is billed \`units x revenue_usd_per_unit\`, value out both; net is that less dollars in; ratio is value out for each dollar in.`,
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
