import { stopAgent } from "../../agent.ts";
import { defineCommand } from "../command.ts";
import { oneLine, printJson, printLines } from "../output.ts";

export default defineCommand({
  meta: {
    name: "stop",
    description: "Sets the kill switch; it survives restart and reboot",
    examples: ["afk stop", 'afk stop --reason "the bill looks odd"'],
  },
  json: true,
  args: {
    reason: {
      type: "string",
      valueHint: "TEXT",
      default: "afk stop",
      description: "Kept, and shown in status and alert",
    },
  },
  async run({ args }) {
    const stopped = await stopAgent({ config: args.config, state: args.state }, args.reason);
    if (args.json) printJson(stopped);
    else
      printLines([
        `${stopped.wasSet ? "stopped already" : "stopped"} (${stopped.by}): ${oneLine(stopped.detail)}`,
        "No model is called until: afk resume",
      ]);
  },
});
