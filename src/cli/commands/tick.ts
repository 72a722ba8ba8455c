import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { idleLines } from "../views/idle.ts";
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
