import { readAgentConfig, VERSION } from "../../agent.ts";
import { openDashboard } from "../../dashboard/server.ts";
import { systemClock } from "../../lib/clock.ts";
import { inspectState } from "../../ops/inspect-state.ts";
import { defineCommand } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { oneLine, printJson, printLines } from "../output.ts";

export default defineCommand({
  json: true,
  args: {
    port: {
      type: "number",
      valueHint: "N",
      description: "TCP port instead of dashboard.port; 0 takes any that is free",
      min: 0,
      max: 65_535,
      integer: true,
    },
  },
  async run({ args }) {
    const config = readAgentConfig(args);
    if (args.port !== undefined) config.dashboard.port = args.port;
    // What is refused is refused here, and not by a page.
    await inspectState(config, async () => undefined);
    const dashboard = await openDashboard({
      config,
      version: VERSION,
      clock: systemClock,
      onError: (message) => printLines([`afk dashboard: ${oneLine(message)}`], process.stderr),
    });
    const { url } = dashboard;
    if (args.json) printJson({ url });
    else printLines([config.dashboard.token === null ? url : `${url} (with the token: ${url}?token=…)`]);
    const interrupt = untilInterrupted();
    await new Promise<void>((resolve) => {
      interrupt.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    interrupt[Symbol.dispose]();
    await dashboard.close();
  },
});
