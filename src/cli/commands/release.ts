import { realpathSync } from "node:fs";
import { readAgentConfig } from "../../agent.ts";
import { processEnvironment } from "../../config/environment.ts";
import { FORMATS, type Format, planRelease } from "../../ops/release/plan.ts";
import { release } from "../../ops/release/release.ts";
import { defineCommand } from "../command.ts";
import { printJson, printLines } from "../output.ts";

export default defineCommand({
  meta: {
    name: "release",
    description:
      "Checks the configuration and renders the schedule: a drop-in for afk.timer, a crontab line or a launchd agent",
    examples: ["afk release", "afk release --format cron", "afk release --format launchd --output ./release"],
  },
  json: true,
  args: {
    format: {
      type: "enum",
      options: FORMATS,
      default: "systemd",
      description: "For what it is rendered",
    },
    output: {
      type: "string",
      valueHint: "DIR",
      description: "Writes the file there instead of printing it",
    },
  },
  run({ args }) {
    const config = readAgentConfig({ config: args.config, state: args.state });
    const plan = planRelease(config, ownCommand(), processEnvironment());
    const made = release(plan, args.format as Format, args.output ?? null);
    if (args.json) return printJson(made);
    if (made.path === null) printLines([made.content.trimEnd()]);
    else printLines([`wrote ${made.path}`]);
    // To standard error, so that `afk release >FILE` makes a file that works.
    printLines(
      ["to install it:", ...indent(made.install), "to be rid of it:", ...indent(made.uninstall)],
      process.stderr,
    );
  },
});

/** How this very process was started, by absolute paths: a schedule knows no PATH. */
function ownCommand(): string[] {
  const script = process.argv[1];
  return script === undefined ? [process.execPath] : [process.execPath, realpathSync(script)];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
