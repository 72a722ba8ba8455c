import { resume } from "../../rails/resume.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  json: true,
  args: {
    clock: {
      type: "boolean",
      description: "Takes the wall clock for right even where it is behind an earlier reading",
    },
  },
  async run({ args }) {
    const { kill, breakers, stopFile } = await withAgent(args, async (agent) => {
      const resumed = await resume(agent.rails, { isBackToo: args.clock });
      const cleared = resumed.kill;
      if (cleared !== null)
        agent.log.event("warn", "kill_cleared", { by: cleared.by, reason: cleared.reason });
      return { ...resumed, stopFile: agent.rails.stopFile };
    });
    const lines = [
      ...(kill === null
        ? []
        : [`cleared (${kill.by}): ${oneLine(kill.by === "file" ? `removed ${stopFile}` : kill.reason)}`]),
      ...breakers.map((name) => `cleared: ${oneLine(name)} is called again`),
    ];
    return {
      json: { cleared: kill, ...(breakers.length > 0 && { breakers }) },
      text: lines.length === 0 ? ["nothing was set"] : lines,
    };
  },
});
