import { createInterface } from "node:readline/promises";
import { readAgentConfig } from "../../agent.ts";
import { systemClock } from "../../lib/clock.ts";
import { AfkError } from "../../lib/errors.ts";
import { type Adoption, adoptState } from "../../ops/adopt.ts";
import { defineCommand, UsageError } from "../command.ts";
import { oneLine, printJson, printLines } from "../output.ts";

export default defineCommand({
  json: true,
  args: { yes: { type: "boolean", alias: "y", description: "Ask nothing" } },
  async run({ args }) {
    const config = readAgentConfig({ config: args.config, state: args.state });
    const adopted = await adoptState(config, systemClock, async (adoption) => {
      if (!args.yes) await ask(adoption);
    });
    if (args.json) printJson({ adopted });
    else if (adopted === null) printLines([`${config.paths.state} belongs to ${config.agent} already`]);
    else
      printLines([
        oneLine(`${adopted.state} belonged to ${nameOf(adopted)} and belongs to ${adopted.to} now`),
      ]);
  },
});

/** @throws UsageError where there is nobody to ask; AfkError unless the person agrees. */
async function ask(adoption: Adoption): Promise<void> {
  const { state, to } = adoption;
  const change = oneLine(`the state ${state} belongs to ${nameOf(adoption)}; it would belong to ${to}`);
  if (!process.stdin.isTTY)
    throw new UsageError(`There is no terminal to ask on (${change}). Say --yes if that is meant.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const left = new AbortController();
    terminal.once("close", () => left.abort());
    const question = `${change}, with its spend, its queue and its kill switch. Adopt it? [y/N] `;
    const answer = await terminal.question(question, { signal: left.signal }).catch(() => "");
    if (!/^y(?:es)?$/i.test(answer.trim()))
      throw new AfkError("not_adopted", "nothing was changed", { retry: "never" });
  } finally {
    terminal.close();
  }
}

function nameOf({ from }: Adoption): string {
  return from ?? "nobody yet";
}
