import { readAgentConfig, VERSION } from "../../agent.ts";
import { isLoopback } from "../../config/dashboard-schema.ts";
import { parseListen } from "../../config/gateway-schema.ts";
import { openDashboard } from "../../dashboard/server.ts";
import { systemClock } from "../../lib/clock.ts";
import { inspectState } from "../../ops/inspect-state.ts";
import { defineCommand, UsageError } from "../command.ts";
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
    listen: {
      type: "string",
      valueHint: "ADDRESS:PORT",
      description: "Where it listens, instead of dashboard.bind and dashboard.port",
    },
    "behind-proxy": {
      type: "boolean",
      description: "Something in front lets this machine alone through, as a port of a container does",
    },
  },
  async run({ args }) {
    const config = readAgentConfig(args);
    if (args.listen !== undefined) Object.assign(config.dashboard, addressOf(args.listen));
    const { bind, token } = config.dashboard;
    if (!isLoopback(bind) && token === null && !args["behind-proxy"])
      throw new UsageError(
        `${bind} can be reached from other machines, which takes a token: set DASHBOARD_TOKEN. Where a container's port or a proxy lets this machine alone through, say so: --behind-proxy`,
      );
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

function addressOf(text: string): { bind: string; port: number } {
  const listen = parseListen(text);
  if (listen === null)
    throw new UsageError(
      `--listen ${text}: write an IP address and a port, for example 127.0.0.1:4235 or [::1]:4235.`,
    );
  return { bind: listen.host, port: listen.port };
}
