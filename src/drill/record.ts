import type { DrillRow } from "../evidence/drills.ts";
import { toIso } from "../lib/clock.ts";
import { HOST_DRILL } from "./host-drill.ts";
import type { Outcome } from "./recorder.ts";

/** The record of one drill, for a person: what was done, what had to be so and what was, the figures, how to repeat it. */
export function renderRecord(
  outcome: Outcome,
  row: DrillRow,
  of: { agent: string; timezone: string },
): string {
  const verdict = row.error === null ? "PASSED" : "FAILED";
  const figures = Object.entries(outcome.figures).map(([name, value]) => [name, String(value)]);
  const blocks = [
    `# Drill ${row.name}: ${verdict}`,
    ...(outcome.description === null ? [] : [`${outcome.description}. ${outcome.promise ?? ""}`.trim()]),
    table(
      ["What", "Which"],
      [
        ["drill", `${row.id}, in the table drills`],
        ["agent", of.agent],
        ["afk", row.version],
        ["configuration", row.config_hash],
        ["host", row.host],
        ["began", `${toIso(row.started_at)} (the agent's days are those of ${of.timezone})`],
        ["took", `${((row.finished_at - row.started_at) / 1_000).toFixed(1)} s`],
      ],
    ),
    ...section(
      "What was done",
      outcome.steps.map((step, index) => `${index + 1}. ${line(step)}`),
    ),
    ...section(
      "Where the drill differs from the configuration",
      outcome.differences.map((difference) => `- ${line(difference)}`),
    ),
    ...(outcome.findings.length === 0
      ? []
      : [
          "## What had to happen, and what happened",
          ...(outcome.name === HOST_DRILL.name ? [] : ["Times are measured by looking every 10 ms."]),
          table(
            ["So", "Expected", "Found"],
            outcome.findings.map(({ isSo, expected, found }) => [isSo ? "yes" : "**NO**", expected, found]),
          ),
        ]),
    ...(figures.length === 0 ? [] : ["## Figures", table(["Figure", "Value"], figures)]),
    "## Verdict",
    row.error === null
      ? "Passed: the safety was fired, and did what it promises."
      : `**Failed:** ${line(row.error)}`,
    "## To repeat it",
    `    ${outcome.repeat}`,
  ];
  return `${blocks.join("\n\n")}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, lines.join("\n")];
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lay = (cells: readonly string[]) =>
    `| ${cells.map((cell) => line(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [lay(titles), `|${titles.map(() => "---").join("|")}|`, ...rows.map(lay)].join("\n");
}

/** What a server or an error said must not break the page. */
function line(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, " ").trim();
}
