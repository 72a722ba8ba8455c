import { join } from "node:path";
import { VERSION } from "../../agent.ts";
import { renderReportPage } from "../../dashboard/report-page.ts";
import { DRILLS } from "../../drill/registry.ts";
import { renderDemo } from "../../evidence/report/demo.ts";
import { type Report, readReport } from "../../evidence/report/read-report.ts";
import { readShown } from "../../evidence/report/read-shown.ts";
import { renderRetrospective, writeRetrospective } from "../../evidence/report/retrospective.ts";
import { renderMarkdown } from "../../evidence/report/sections.ts";
import { systemClock, toIso } from "../../lib/clock.ts";
import { readLastResults } from "../../ops/last-results.ts";
import { keepFile } from "../../ops/record-file.ts";
import { writeDurably } from "../../store/durable-file.ts";
import { defineCommand, UsageError } from "../command.ts";
import { withState } from "../open.ts";
import { printJson, printLines } from "../output.ts";
import { reportView } from "../views/report.ts";
import { readSpan } from "../when.ts";

const FORMATS = ["text", "markdown", "html", "json"] as const;
type Format = (typeof FORMATS)[number];

export default defineCommand({
  json: true,
  args: {
    since: {
      type: "string",
      valueHint: "T",
      description:
        "From then on: a span back (30d), a day, a time, or an instant (the Monday three weeks ago)",
    },
    until: { type: "string", valueHint: "T", description: "Before then; of a day, to its end (now)" },
    compare: {
      type: "string",
      valueHint: "MODEL",
      description: "What the same tokens would have cost on provider/model",
    },
    "compare-weeks": {
      type: "boolean",
      description: "Weeks that cost nothing beside weeks that cost something",
    },
    format: { type: "enum", options: FORMATS, valueHint: "F", description: `${FORMATS.join(", ")} (text)` },
    output: { type: "string", valueHint: "FILE", description: "Writes it there instead of printing it" },
    retrospective: {
      type: "boolean",
      description: "Drafts RETROSPECTIVE.md into runs/, beside one that is there",
    },
    demo: {
      type: "boolean",
      description: "Writes runs/DEMO.md: what this deployment has shown, and how to show it again",
    },
  },
  async run({ args }) {
    if (args.json && args.format !== undefined && args.format !== "json")
      throw new UsageError(`--json and --format ${args.format} exclude each other.`);
    if (args.retrospective && (args.format ?? args.output) !== undefined)
      throw new UsageError("--retrospective writes RETROSPECTIVE.md; it takes no --format and no --output.");
    if (args.demo && (args.retrospective || (args.format ?? args.output) !== undefined))
      throw new UsageError("--demo writes runs/DEMO.md; it takes no --format, --output and --retrospective.");
    await withState(args, async ({ config, db }) => {
      const nowMs = systemClock.nowMs();
      const { sinceMs: fromMs, untilMs } = readSpan(args, { nowMs, timezone: config.timezone });
      if (fromMs !== undefined && fromMs >= Math.min(untilMs ?? nowMs, nowMs))
        throw new UsageError("--since must be before --until, and before now.");
      const { compare } = args;
      const comparesWeeks = args["compare-weeks"];
      const report = await readReport({
        ...{ config, version: VERSION, db, nowMs, fromMs, untilMs },
        ...{ compare, comparesWeeks },
      });
      if (args.demo) {
        const shown = await readShown({ config, db, version: VERSION, drills: DRILLS });
        const results = await readLastResults(db, config.jobs);
        const path = join(config.paths.runs, "DEMO.md");
        keepFile(config.paths.runs, "DEMO.md", renderDemo({ report, config, shown, results }));
        if (args.json) printJson({ path });
        else printLines([`wrote ${path}`]);
        return;
      }
      if (!args.retrospective) {
        const format = args.json ? "json" : ((args.format ?? "text") as Format);
        return deliver(report, format, args.output);
      }
      const path = writeRetrospective(config.paths.runs, renderRetrospective(report, config));
      if (args.json) printJson({ path });
      else printLines([`drafted ${path}; what is marked "?" is for you`]);
    });
  },
});

function deliver(report: Report, format: Format, path: string | undefined): void {
  const text = render(report, format);
  if (path === undefined) printLines([text.trimEnd()]);
  else {
    writeDurably(path, text, "shared");
    printLines([`wrote ${path}`], process.stderr);
  }
}

function render(report: Report, format: Format): string {
  switch (format) {
    case "text":
      return `${reportView(report).join("\n")}\n`;
    case "markdown":
      return renderMarkdown(report);
    case "html":
      return renderReportPage(report);
    case "json":
      return `${JSON.stringify(toJson(report), undefined, 2)}\n`;
  }
}

/** Instants as ISO 8601 in UTC; money stays in micro-dollars, as the names say. */
function toJson({ madeAt, fromMs, untilMs, incidents, drills, ...rest }: Report): unknown {
  return {
    ...rest,
    madeAt: toIso(madeAt),
    from: toIso(fromMs),
    until: toIso(untilMs),
    incidents: {
      ...incidents,
      newest: incidents.newest.map(({ openedAt, ...row }) => ({ ...row, openedAt: toIso(openedAt) })),
    },
    drills: drills.map(({ lastAt, ...row }) => ({ ...row, lastAt: toIso(lastAt) })),
  };
}
