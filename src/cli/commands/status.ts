import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { printJson, printLines } from "../output.ts";
import { statusLines } from "../status-lines.ts";

const WATCH_MS = 2_000;
/** Clears the terminal and goes to its first line (ECMA-48). */
const CLEAR = "\u001b[2J\u001b[H";

export default defineCommand({
  meta: {
    name: "status",
    description: "One glance: kill switch, spend against caps, breakers, queue, dead letters, ticks",
    examples: ["afk status", "afk status --json", "afk status --watch"],
  },
  json: true,
  args: { watch: { type: "boolean", alias: "w", description: "Show it again every 2 s until interrupted" } },
  async run({ args }) {
    await withAgent(args, async (agent) => {
      for (;;) {
        const status = await agent.status();
        if (args.watch && process.stdout.isTTY) process.stdout.write(CLEAR);
        if (args.json) printJson(status);
        else printLines(statusLines(status, agent.rails.clock.nowMs()));
        if (!args.watch) return;
        await agent.rails.clock.sleep(WATCH_MS);
      }
    });
  },
});
