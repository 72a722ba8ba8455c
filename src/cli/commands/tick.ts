import type { Agent } from "../../agent.ts";
import { formatRelative } from "../../lib/duration-text.ts";
import { momentText } from "../../lib/zone.ts";
import { readNextRuns } from "../../ops/next-runs.ts";
import type { TickResult } from "../../runner/tick.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { printTick, stopOnSignals, workerOutput } from "../worker.ts";

export default defineCommand({
  json: true,
  args: {
    now: {
      type: "string",
      valueHint: "NAME",
      names: "jobs",
      description: "Runs this job whether it is due or not; counts as work by hand",
    },
  },
  async run({ args }) {
    return await withAgent(
      args,
      async (agent) => {
        stopOnSignals(agent);
        const result = await agent.tick({ now: args.now });
        printTick(result, args.json, await idleLines(agent, result));
        return result.exitCode;
      },
      { ownsProcess: true, ...workerOutput(args.json) },
    );
  },
});

/** When something is due, and how to run it now: what a person wants to know after a tick with nothing to do. */
async function idleLines(agent: Agent, { outcome, units }: TickResult): Promise<string[]> {
  if (outcome !== "idle" || units > 0) return [];
  const { config, rails } = agent;
  const nowMs = rails.clock.nowMs();
  const [next] = await readNextRuns(rails.store.db, config, nowMs);
  if (next === undefined) return ["afk.yaml has no job yet: add one under jobs:"];
  const byHand = `now: afk tick --now ${next.job}`;
  if (next.dueAt === null) return [`nothing is due: no job has a schedule. To run ${next.job} ${byHand}`];
  const at = `${momentText(next.dueAt, config.timezone)} (${formatRelative(next.dueAt, nowMs)})`;
  return [`nothing is due: ${next.job} is next, ${at}. To run it ${byHand}`];
}
