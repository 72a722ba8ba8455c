import { formatDuration } from "../../lib/duration-text.ts";
import type { IncidentSums } from "./incidents.ts";
import type { Report } from "./read-report.ts";
import { type Section, table } from "./section.ts";
import { count, figure, moment } from "./words.ts";

export function incidents({ incidents: found, timezone }: Report): Section {
  return {
    id: "incidents",
    title: "Incidents",
    lines: [incidentsText(found)],
    table: table(
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
    ),
  };
}

/** What broke, in a sentence. */
export function incidentsText(found: IncidentSums): string {
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

export function drills({ drills: rows, timezone }: Report): Section {
  return {
    id: "drills",
    title: "Drills",
    lines: rows.length === 0 ? ["None: no safety was fired on purpose in this time (afk drill)."] : [],
    table: table(
      "drill:left runs:right passed:right last:left outcome:left",
      rows.map((row) => [
        row.name,
        figure(row.runs),
        figure(row.passed),
        moment(row.lastAt, timezone),
        row.hasLastPassed ? "passed" : "FAILED",
      ]),
    ),
  };
}

export function days({ days: found }: Report): Section {
  return { id: "days", title: "Unattended days", lines: [daysText(found)], table: null };
}

/** The clock, in a sentence. */
export function daysText(found: Report["days"]): string {
  if (!found.isStarted) return "The clock was never started (afk clock start).";
  return `The clock stands at ${count(found.count, "day")}. In this time ${count(found.days, "day")} ended, ${figure(found.attended)} of them attended; the count reached ${figure(found.longest)}.`;
}
