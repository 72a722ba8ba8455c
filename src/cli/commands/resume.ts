import { acceptWallClock } from "../../rails/budget-time.ts";
import { clearKill } from "../../rails/kill.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { oneLine, printJson, printLines } from "../output.ts";

export default defineCommand({
  meta: {
    name: "resume",
    description: "Clears the kill switch, removes the STOP file, and takes the wall clock for right",
    examples: ["afk resume", "afk resume --clock"],
  },
  json: true,
  args: {
    clock: {
      type: "boolean",
      default: false,
      description: "Take the wall clock for right even where it is behind an earlier reading",
    },
  },
  async run({ args }) {
    const cleared = await withAgent(args, async (agent) => {
      const { store, clock, stopFile } = agent.rails;
      const kill = await store.transaction(async (trx) => {
        await acceptWallClock(trx, clock, { isBackToo: args.clock });
        return await clearKill(trx, stopFile);
      });
      if (kill !== null) agent.log.event("warn", "kill_cleared", { by: kill.by, reason: kill.reason });
      return kill;
    });
    if (args.json) printJson({ cleared });
    else
      printLines([
        cleared === null ? "nothing was set" : `cleared (${cleared.by}): ${oneLine(cleared.reason)}`,
      ]);
  },
});
