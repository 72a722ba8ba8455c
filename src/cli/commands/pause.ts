import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";

export default defineCommand({
  json: true,
  args: {
    name: { type: "positional", names: "jobs", description: "The job's name in afk.yaml" },
    reason: { type: "string", valueHint: "TEXT", description: "Kept, and shown in status" },
  },
  async run({ args }) {
    const { wasPaused } = await withAgent(args, (agent) => agent.pause(args.name, args.reason ?? null));
    const done = wasPaused
      ? `${args.name} was paused already`
      : `paused ${args.name}; a run at work goes on to its end`;
    return {
      json: { name: args.name, wasPaused },
      text: [done, `It starts no more until: afk unpause ${args.name}`],
    };
  },
});
