import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { printTick, stopOnSignals, workerOutput } from "../worker.ts";

export default defineCommand({
  meta: {
    name: "run",
    description: "Ticks on schedule and reacts to new work until it is stopped",
    examples: ["afk run", "TICK_SECONDS=300 afk run"],
  },
  async run({ args }) {
    return await withAgent(
      args,
      async (agent) => {
        stopOnSignals(agent);
        return await agent.run((result) => printTick(result, false));
      },
      { ownsProcess: true, ...workerOutput(false) },
    );
  },
});
