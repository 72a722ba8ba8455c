import { serveDashboard } from "../../dashboard/server.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { printTick, stopOnSignals, workerOutput } from "../worker.ts";

export default defineCommand({
  args: {
    "no-gateway": {
      type: "boolean",
      description: "Leaves gateway.listen to afk gateway, a process of its own",
    },
  },
  async run({ args }) {
    const served: ReturnType<typeof serveDashboard>[] = [];
    return await withAgent(
      args,
      async (agent) => {
        stopOnSignals(agent);
        try {
          return await agent.run(
            (result) => printTick(result, false),
            () => {
              if (!agent.config.dashboard.isEnabled) return;
              const dashboard = serveDashboard(agent);
              served.push(dashboard);
              agent.rails.watch.signal.addEventListener("abort", () => void dashboard.close());
            },
            { servesGateway: !args["no-gateway"] },
          );
        } finally {
          for (const dashboard of served) await dashboard.close();
        }
      },
      {
        ownsProcess: true,
        onConfig: (config) => {
          for (const dashboard of served) dashboard.reconfigure(config);
        },
        ...workerOutput(false),
      },
    );
  },
});
