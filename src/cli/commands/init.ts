import { existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { processEnvironment } from "../../config/environment.ts";
import { locate } from "../../config/locations.ts";
import { renderTemplate, type TemplateAnswers } from "../../config/template.ts";
import { AfkError } from "../../lib/errors.ts";
import { readStopFile } from "../../rails/kill.ts";
import { defineCommand } from "../command.ts";
import { oneLine, printLines } from "../output.ts";

const DEFAULTS: TemplateAnswers = {
  agent: "my-agent",
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  dailyCapUsd: 1,
  model: "ollama/qwen2.5:3b",
  feeds: ["https://hnrss.org/frontpage"],
};

export default defineCommand({
  args: { yes: { type: "boolean", alias: "y", description: "Ask nothing and take the defaults" } },
  async run({ args }) {
    const environment = processEnvironment();
    const where = { environment, configFile: args.config, state: args.state, cwd: process.cwd() };
    const { configFile: path, stopFile } = locate(where);
    if (existsSync(path)) {
      throw new AfkError(
        "exists",
        `${path} is there already and was left as it is; remove it first, or name another with --config`,
        {
          retry: "never",
        },
      );
    }
    const isAsking = !args.yes && process.stdin.isTTY;
    writeFileSync(path, renderTemplate(isAsking ? await ask() : DEFAULTS), { flag: "wx" });
    const kill = environment.KILL_FLAG ? readStopFile(stopFile) : null;
    const stopped = kill === null ? [] : [`it is stopped by KILL_FLAG: ${oneLine(kill.reason)}`];
    printLines([`wrote ${path}`, ...stopped, "next: read it, then  afk doctor  and  afk tick"]);
  },
});

async function ask(): Promise<TemplateAnswers> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = async (text: string, usual: string) =>
      (await terminal.question(`${text} [${usual}] `)).trim() || usual;
    return {
      agent: await question("Name of the agent?", DEFAULTS.agent),
      timezone: await question("Time zone?", DEFAULTS.timezone),
      dailyCapUsd: await askCap(question),
      model: await question("Model?", DEFAULTS.model),
      feeds: (await question("Feeds to read, separated by spaces?", DEFAULTS.feeds.join(" "))).split(/\s+/),
    };
  } finally {
    terminal.close();
  }
}

async function askCap(question: (text: string, usual: string) => Promise<string>): Promise<number> {
  for (let tries = 0; tries < 5; tries++) {
    const answer = Number(
      await question("The most it may spend in a day, in US dollars?", String(DEFAULTS.dailyCapUsd)),
    );
    if (Number.isFinite(answer) && answer >= 0) return answer;
    printLines(["Write a number such as 1.00 (0 = spend nothing)."], process.stderr);
  }
  return 0;
}
