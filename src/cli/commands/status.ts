import type { Agent } from "../../agent.ts";
import { defineCommand } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { withAgent } from "../open.ts";
import { isColoured, printJson, printLines, terminalColumns } from "../output.ts";
import { openScreen } from "../screen.ts";
import { paintLines } from "../spans.ts";
import { statusView } from "../views/status.ts";

const WATCH_MS = 2_000;
const FOOTER = ["", "every 2 s; Ctrl-C leaves"];

export default defineCommand({
  meta: {
    name: "status",
    description: "One glance: kill switch, spend against caps, breakers, queue, dead letters, ticks",
    examples: ["afk status", "afk status --watch", "afk status --json | jq .spend"],
  },
  json: true,
  args: { watch: { type: "boolean", alias: "w", description: "Show it again every 2 s until Ctrl-C" } },
  async run({ args }) {
    await withAgent(args, async (agent) => {
      const show = async () =>
        args.json ? printJson(await agent.status()) : printLines(await linesOf(agent));
      if (!args.watch) await show();
      // Who wants no colour, or has a terminal without any, gets no cursor moves either.
      else if (args.json || !isColoured()) await repeat(agent, show);
      else await watch(agent);
    });
  },
});

async function linesOf(agent: Agent, rows: number | null = null): Promise<string[]> {
  const { timezone } = agent.config;
  const view = { nowMs: agent.rails.clock.nowMs(), timezone, columns: terminalColumns(), rows };
  return paintLines(statusView(await agent.status(), view));
}

/** Where there is no screen to draw on, one status after the other. */
async function repeat(agent: Agent, show: () => Promise<void>): Promise<void> {
  using interrupt = untilInterrupted();
  while (!interrupt.signal.aborted) {
    await show();
    await agent.rails.clock.sleep(WATCH_MS, interrupt.signal).catch(() => undefined);
  }
}

async function watch(agent: Agent): Promise<void> {
  using interrupt = untilInterrupted();
  // A new size wakes the sleep: what was laid out for the old one no longer fits.
  let wake = new AbortController();
  using screen = openScreen(process.stdout, () => wake.abort());
  while (!interrupt.signal.aborted) {
    wake = new AbortController();
    const { signal } = wake;
    screen.draw([...(await linesOf(agent, process.stdout.rows - FOOTER.length)), ...FOOTER]);
    await agent.rails.clock
      .sleep(WATCH_MS, AbortSignal.any([interrupt.signal, signal]))
      .catch(() => undefined);
  }
}
