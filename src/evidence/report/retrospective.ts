import { closeSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUDGET_KEYS } from "../../config/caps.ts";
import type { Config } from "../../config/config.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { plainMarkdown as plain } from "../../lib/markdown.ts";
import { formatUsd } from "../../lib/money.ts";
import { openNewPrivate } from "../../lib/private-files.ts";
import { makeFolder } from "../../store/durable-file.ts";
import { scheduleText } from "../release/facts.ts";
import type { Report } from "./read-report.ts";
import { daysText, incidentsText, sectionParts, sectionsOf, spanText } from "./sections.ts";
import { count, moment } from "./words.ts";

/** More drafts than this beside each other are a loop, not a retrospective. */
const FILES_MAX = 50;

/**
 * Writes a draft into `runs/` and gives its path: RETROSPECTIVE.md, or with a number where one is there, since a person
 * may have written in it.
 * @throws AfkError `retrospectives_full` when there are fifty.
 */
export function writeRetrospective(runs: string, text: string): string {
  makeFolder(runs);
  for (let number = 1; number <= FILES_MAX; number++) {
    const path = join(runs, number === 1 ? "RETROSPECTIVE.md" : `RETROSPECTIVE-${number}.md`);
    try {
      const file = openNewPrivate(path);
      try {
        writeFileSync(file, text);
      } finally {
        closeSync(file);
      }
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new AfkError(
    "retrospectives_full",
    `${runs} holds ${FILES_MAX} retrospectives, and none is overwritten; move those away that are done with.`,
    { retry: "never", exitCode: EXIT.failed },
  );
}

/** A draft with the measured figures filled in, and a question wherever only a person can answer. */
export function renderRetrospective(report: Report, config: Config): string {
  const { agent, version, madeAt, timezone } = report;
  return `${[
    `# Retrospective: ${plain(agent)}`,
    `${plain(spanText(report))}. Drafted ${moment(madeAt, timezone)} by afk ${plain(version)} from what was recorded. What is marked "?" is for you; delete the mark as you answer.`,
    ...architecture(config, version),
    ...broken(report),
    ...worth(report),
    ...autonomy(report),
    ...next(report),
  ].join("\n\n")}\n`;
}

const ask = (question: string) => `> ? ${question}`;

function architecture({ jobs, models, budget, value }: Config, version: string): string[] {
  const caps = BUDGET_KEYS.flatMap(({ cap, unit, window }) => {
    const value = budget.caps[cap];
    if (value === undefined) return [];
    const amount = unit === "usd" ? formatUsd(value) : `${value} ${unit}`;
    return [`${amount} ${window.short.replace(/^one /, "a ")}`];
  });
  return [
    "## Architecture in short",
    [
      `- afk ${plain(version)}, one worker at a time, one SQLite file.`,
      `- Models, in the order in which they are asked: ${models.chain.map(plain).join(", ")}.`,
      `- Caps: ${caps.join(", ")}.`,
      ...jobs.map(
        (job) =>
          `- Job ${plain(job.name)} (${plain(job.kind)}), ${job.schedule.type === "cron" ? "at " : ""}${plain(scheduleText(job.schedule))}; a unit saves ${job.minutesSavedPerUnit} min at $${value.hourlyRateUsd} an hour.`,
      ),
    ].join("\n"),
    ask("What would you leave out if you built it again, and what was missing?"),
  ];
}

function recoveryText({ recoveryMs, isClosed }: Report["incidents"]["newest"][number]): string {
  if (recoveryMs !== null) return `Recovered in ${formatDuration(recoveryMs)}.`;
  return isClosed ? "A person closed it; its end was not seen." : "It still lasts.";
}

function broken(report: Report): string[] {
  const { incidents, timezone } = report;
  return [
    "## What broke",
    plain(incidentsText(incidents)),
    ...incidents.newest.flatMap((row) => [
      `### ${moment(row.openedAt, timezone)} ${plain(row.title)}`,
      [
        `- Event ${plain(row.event)}, seen ${count(row.count, "time")}.`,
        `- ${recoveryText(row)}`,
        ...(row.tick === null ? [] : [`- Trace: afk logs --tick ${plain(row.tick)}`]),
        ...(["cause", "fix", "prevention"] as const).map((word) => {
          const said = row[word];
          return said === null ? `- ? What was the ${word}?` : `- The ${word}: ${plain(said)}`;
        }),
      ].join("\n"),
    ]),
    ask("What broke that no alert told of, and how did you notice?"),
    ask("Which alert woke somebody for nothing?"),
  ];
}

function worth(report: Report): string[] {
  const sections = sectionsOf(report).filter(({ id }) =>
    ["sum", "weeks", "models", "jobs", "compare"].includes(id),
  );
  return [
    "## Money against value",
    ...sections.flatMap((section) => [`### ${section.title}`, ...sectionParts(section)]),
    ask("Does a unit really save these minutes? Take three and say how long each would have taken you."),
    ask("Would you pay the dollars in again for this value out? At which ratio would you stop?"),
  ];
}

function autonomy(report: Report): string[] {
  const drills = sectionsOf(report).filter(({ id }) => id === "drills");
  return [
    "## How it ran unattended",
    plain(daysText(report.days)),
    ...drills.flatMap((section) => ["### Drills", ...sectionParts(section)]),
    ask("What did you do by hand that the agent should have done, and what should it never do alone?"),
  ];
}

function next({ incidents, unknown, total }: Report): string[] {
  const { lasting, unexplained } = incidents;
  const found = [
    unknown.calls > 0 && `- Reconcile ${count(unknown.calls, "call")} of unknown cost: afk ledger`,
    lasting > 0 && `- Still lasting: ${count(lasting, "incident")}.`,
    unexplained > 0 &&
      `- Write down cause, fix and prevention of ${count(unexplained, "incident")}: afk incidents`,
    total.netMicros < 0 && "- It cost more than it brought.",
  ].filter((line) => line !== false);
  return [
    "## What next",
    ...(found.length === 0 ? [] : [found.join("\n")]),
    ask("What is the one change that would bring the most, and how will the next report show it?"),
    ask("Should it go on as it is, grow, or end?"),
  ];
}
