import { existsSync, writeFileSync } from "node:fs";
import { processEnvironment } from "../../config/environment.ts";
import { locate } from "../../config/locations.ts";
import { renderTemplate, type TemplateAnswers } from "../../config/template.ts";
import { AfkError } from "../../lib/errors.ts";
import { readStopFile } from "../../rails/stop-file.ts";
import { ask, canAsk } from "../ask.ts";
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
  args: { yes: { type: "boolean", alias: "y", description: "Asks nothing and takes the defaults" } },
  async run({ args }) {
    const environment = processEnvironment();
    const where = { environment, configFile: args.config, state: args.state, cwd: process.cwd() };
    const { configFile: path, stopFile } = locate(where);
    if (existsSync(path)) {
      throw new AfkError(
        "exists",
        `${path} is there already and was left as it is; remove it first, or name another with --config`,
        { retry: "never" },
      );
    }
    const given = args.yes || !canAsk() ? DEFAULTS : await answers();
    writeFileSync(path, renderTemplate(given), { flag: "wx" });
    const kill = environment.KILL_FLAG ? readStopFile(stopFile) : null;
    const stopped = kill === null ? [] : [`it is stopped by KILL_FLAG: ${oneLine(kill.reason)}`];
    printLines([`wrote ${path}`, ...stopped, "next: read it, then  afk doctor  and  afk tick"]);
  },
});

async function answers(): Promise<TemplateAnswers> {
  return {
    agent: await ask("Name of the agent?", DEFAULTS.agent),
    timezone: await ask("Time zone?", DEFAULTS.timezone),
    dailyCapUsd: await askCap(),
    model: await ask("Model?", DEFAULTS.model),
    feeds: (await ask("Feeds to read, separated by spaces?", DEFAULTS.feeds.join(" "))).split(/\s+/),
  };
}

async function askCap(): Promise<number> {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await ask("The most it may spend in a day, in US dollars?", String(DEFAULTS.dailyCapUsd));
    if (Number.isFinite(Number(answer)) && Number(answer) >= 0) return Number(answer);
    printLines(["Write a number such as 1.00 (0 = spend nothing)."]);
  }
  return 0;
}
