import { existsSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { processEnvironment } from "../../config/environment.ts";
import { locate } from "../../config/locations.ts";
import { shellQuote } from "../../evidence/release/plan.ts";
import { AfkError } from "../../lib/errors.ts";
import { readStopFile } from "../../rails/stop-file.ts";
import { ask, canAsk } from "../ask.ts";
import { defineCommand } from "../command.ts";
import type { Example, TemplateAnswers } from "../init/example.ts";
import { EXAMPLES, exampleNamed } from "../init/examples.ts";
import { askAnswers, askExample, USUAL_ANSWERS } from "../init/questions.ts";
import { renderTemplate } from "../init/template.ts";
import { oneLine, printLines } from "../output.ts";

/** In a checkout it lies beside afk.yaml, and is in no package. */
const SCHEMA = "afk.schema.json";

export default defineCommand({
  args: {
    yes: { type: "boolean", alias: "y", description: "Asks nothing and takes the defaults" },
    example: {
      type: "string",
      valueHint: "NAME",
      description: `What it is for: ${EXAMPLES.map(({ name }) => name).join(", ")}`,
    },
  },
  async run({ args }) {
    const environment = processEnvironment();
    const where = { environment, configFile: args.config, state: args.state, cwd: process.cwd() };
    const { configFile: path, stopFile, out } = locate(where);
    if (existsSync(path)) {
      throw new AfkError(
        "exists",
        `${path} is there already and was left as it is; remove it first, or name another with --config`,
        { retry: "never" },
      );
    }
    const report = (problem: string) => printLines([problem], process.stderr);
    const asks = !args.yes && canAsk();
    const named = args.example === undefined ? null : exampleNamed(args.example);
    const example = named ?? (asks ? await askExample(ask, report) : exampleNamed("digest"));
    const given = asks ? await askAnswers(ask, report, example) : USUAL_ANSWERS;
    // The address of a channel is a secret: whoever knows it can write there, or read what stands there.
    const schema = existsSync(join(dirname(path), SCHEMA)) ? `./${SCHEMA}` : undefined;
    writeFileSync(path, renderTemplate(given, example, schema), {
      flag: "wx",
      mode: given.channel ? 0o600 : 0o666,
    });
    const kill = environment.KILL_FLAG ? readStopFile(stopFile) : null;
    const stopped = kill === null ? [] : [`it is stopped by KILL_FLAG: ${oneLine(kill.reason)}`];
    printLines([`wrote ${path}`, ...stopped, ...nextLines(given, example, path, out)]);
  },
});

/** The commands that lead from here to the first result, as they have to be typed. */
function nextLines({ channel }: TemplateAnswers, example: Example, path: string, out: string): string[] {
  const isUsual = path === join(process.cwd(), basename(path)) && basename(path) === "afk.yaml";
  const more = isUsual ? "" : ` --config ${shellQuote(relative(process.cwd(), path) || path)}`;
  const shown = relative(process.cwd(), out);
  const steps: [command: string, what: string][] = [
    ["doctor", "checks it, and says how to mend each thing"],
    ...(channel
      ? [["alert test", `sends a real message by ${channel.type}`] satisfies [string, string]]
      : []),
    [`tick --now ${example.first.job}`, `${example.first.does}, in ${shown.startsWith("..") ? out : shown}`],
    ["run", `goes on by itself: ${example.rhythm}`],
  ];
  const commands = steps.map(([command]) => `afk ${command}${more}`);
  const width = Math.max(...commands.map(({ length }) => length));
  return [
    ...(channel?.type === "ntfy" ? [`subscribe to ${channel.url} in the ntfy app to get its alerts`] : []),
    ...(channel
      ? []
      : ["nobody hears of trouble yet: add a channel under alerts: in it, or set ALERT_WEBHOOK"]),
    ...example.before.map((what) => `first: ${what}`),
    "next:",
    ...steps.map(([, what], at) => `  ${(commands[at] ?? "").padEnd(width)}   ${what}`),
  ];
}
