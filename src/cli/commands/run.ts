import { startDashboardThread } from "../../dashboard/thread.ts";
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
        const dashboard = agent.config.dashboard.isEnabled ? startDashboardThread(agent) : null;
        try {
          return await agent.run((result) => printTick(result, false));
        } finally {
          await dashboard?.close();
        }
      },
      { ownsProcess: true, ...workerOutput(false) },
    );
  },
});
