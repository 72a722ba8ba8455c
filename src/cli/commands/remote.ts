import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { stopOnSignals, workerOutput } from "../worker.ts";

export default defineCommand({
  async run({ args }) {
    return await withAgent(
      args,
      async (agent) => {
        stopOnSignals(agent);
        return await agent.serveRemote();
      },
      { ownsProcess: true, ...workerOutput(false) },
    );
  },
});
