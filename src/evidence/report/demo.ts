import type { Config } from "../../config/config.ts";
import { markdownTable, plainMarkdown as plain } from "../../lib/markdown.ts";
import type { LastResult } from "../../ops/last-results.ts";
import { scheduleText } from "../release/facts.ts";
import type { Report } from "./read-report.ts";
import type { Shown } from "./read-shown.ts";
import { daysText, incidentsText, sectionParts, sectionsOf, spanText } from "./sections.ts";
import { moment } from "./words.ts";

/** What a demonstration of one deployment is made of. */
interface DemoSources {
  report: Report;
  config: Config;
  shown: readonly Shown[];
  results: readonly LastResult[];
}

const STATES: Record<Shown["state"], string> = {
  shown: "yes",
  earlier: "with an earlier version or configuration",
  failed: "**FAILED**",
  "not yet": "not yet",
};

/** `DEMO.md` of this deployment: what it does, how to show each of its safeties, and what its own records prove. */
export function renderDemo({ report, config, shown, results }: DemoSources): string {
  const { agent, version, madeAt, timezone } = report;
  return `${[
    `# ${plain(agent)}, shown`,
    `Made ${moment(madeAt, timezone)} by afk ${plain(version)} from what this deployment has recorded; \`afk report --demo\` makes it anew.`,
    "## What it does",
    jobsTable(config, results, timezone),
    "## To show it",
    SCRIPT.join("\n"),
    "## What was shown here",
    coverageText(shown),
    coverageTable(shown, timezone),
    `## What it was worth, ${plain(spanText(report))}`,
    ...sectionsOf(report).flatMap((section) => (section.id === "sum" ? sectionParts(section) : [])),
    `${plain(daysText(report.days))} ${plain(incidentsText(report.incidents))}`,
  ].join("\n\n")}\n`;
}

function jobsTable({ jobs }: Config, results: readonly LastResult[], timezone: string): string {
  if (jobs.length === 0)
    return "It has no jobs: its gateway's clients and its library's callers do the work.";
  const rows = jobs.map(({ name, kind, schedule }) => {
    const last = results.find(({ job }) => job === name);
    const came = last === undefined ? "never run" : `${last.state}: ${last.title ?? last.error ?? "no text"}`;
    const at = last === undefined ? "-" : moment(last.at, timezone);
    return [plain(name), plain(kind), plain(scheduleText(schedule)), at, plain(came)];
  });
  return markdownTable(["Job", "Kind", "When", "Last", "What came of it"], rows);
}

const SCRIPT = [
  "1. `afk status`: one glance. `afk doctor`: what could be better, and how.",
  "2. The latest result: `ls -t state/out | head`, or `afk jobs`.",
  "3. `afk drill cap`: a cap refuses a call before a byte leaves. `afk ledger` is the book that it stands in.",
  "4. `afk drill stop-file stop-process`: the switch, from inside and from outside.",
  "5. `afk drill crash`: killed in the middle, and nothing is lost or bought twice.",
  "6. `afk alert test`: a message on the phone.",
  "7. `afk report`: what it cost and what it was worth.",
];

function coverageText(shown: readonly Shown[]): string {
  const proved = shown.filter(({ state }) => state === "shown").length;
  const failed = shown.filter(({ state }) => state === "failed").length;
  const bad = failed === 0 ? "" : ` ${failed} failed.`;
  return `${proved} of ${shown.length} are shown by this deployment's own records, with the version and configuration in use.${bad}`;
}

function coverageTable(shown: readonly Shown[], timezone: string): string {
  return markdownTable(
    ["What", "Shown", "By", "Latest", "Show it"],
    shown.map(({ what, state, proof, atMs, command }) => [
      plain(what),
      STATES[state],
      plain(proof),
      atMs === null ? "-" : moment(atMs, timezone),
      `\`${command}\``,
    ]),
  );
}
