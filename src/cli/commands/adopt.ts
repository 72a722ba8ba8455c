import { readAgentConfig } from "../../agent.ts";
import { systemClock } from "../../lib/clock.ts";
import { AfkError } from "../../lib/errors.ts";
import { type Adoption, adoptState } from "../../ops/adopt.ts";
import { canAsk, confirm } from "../ask.ts";
import { defineCommand, UsageError } from "../command.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  isForPeople: true,
  json: true,
  args: { yes: { type: "boolean", alias: "y", description: "Asks nothing" } },
  async run({ args }) {
    const config = readAgentConfig(args);
    const adopted = await adoptState(config, systemClock, async (adoption) => {
      if (!args.yes) await askFor(adoption, args.json);
    });
    const text =
      adopted === null
        ? `${config.paths.state} belongs to ${config.agent} already`
        : oneLine(`${adopted.state} belonged to ${nameOf(adopted)} and belongs to ${adopted.to} now`);
    return { json: { adopted }, text: [text] };
  },
});

/** @throws UsageError where there is nobody to ask; AfkError unless the person agrees. */
async function askFor(adoption: Adoption, asJson: boolean): Promise<void> {
  const { state, to } = adoption;
  const change = oneLine(`the state ${state} belongs to ${nameOf(adoption)}; it would belong to ${to}`);
  if (!canAsk(asJson))
    throw new UsageError(`There is no terminal to ask on (${change}). Say --yes if that is meant.`);
  if (!(await confirm(`${change}, with its spend, its queue and its kill switch. Adopt it?`)))
    throw new AfkError("not_adopted", "nothing was changed", { retry: "never" });
}

function nameOf({ from }: Adoption): string {
  return from ?? "nobody yet";
}
