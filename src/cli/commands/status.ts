import { allKinds } from "../../jobs/kinds.ts";
import { systemClock } from "../../lib/clock.ts";
import { joinSignals } from "../../lib/signals.ts";
import { inspectState } from "../../ops/inspect-state.ts";
import { readConfig } from "../../ops/read-config.ts";
import { readStatus, type Status } from "../../ops/status.ts";
import { observe } from "../../ops/worker.ts";
import { defineCommand, type GlobalValues } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { isColoured, printJson, printLines, terminalColumns } from "../output.ts";
import { openScreen } from "../screen.ts";
import { statusView } from "../views/status.ts";

const WATCH_MS = 2_000;
const FOOTER = ["", "every 2 s; Ctrl-C leaves"];

export default defineCommand({
  json: true,
  args: { watch: { type: "boolean", alias: "w", description: "Shows it again every 2 s until Ctrl-C" } },
  async run({ args, program }) {
    const { timezone, read } = statusReader(args, program.version);
    const linesOf = async (rows: number | null) => {
      const view = { nowMs: systemClock.nowMs(), timezone, columns: terminalColumns(), rows };
      return statusView(await read(), view);
    };
    const show = async () => (args.json ? printJson(await read()) : printLines(await linesOf(null)));
    if (!args.watch) return await show();
    // Where no colour is wanted or possible, the cursor is not moved either.
    const isDrawn = !args.json && isColoured();
    using interrupt = untilInterrupted();
    // A new size wakes the sleep: what was laid out for the old one no longer fits.
    let wake = new AbortController();
    using screen = isDrawn ? openScreen(process.stdout, () => wake.abort()) : null;
    while (!interrupt.signal.aborted) {
      wake = new AbortController();
      using woken = joinSignals([interrupt.signal, wake.signal]);
      if (screen === null) await show();
      else screen.draw([...(await linesOf(process.stdout.rows - FOOTER.length)), ...FOOTER]);
      await systemClock.sleep(WATCH_MS, woken.signal).catch(() => undefined);
    }
  },
});

function statusReader(
  args: GlobalValues,
  version: string,
): { timezone: string; read: () => Promise<Status> } {
  const config = readConfig(args, () => allKinds(args));
  return {
    timezone: config.timezone,
    async read() {
      // Before the first statement, with which the moment that is shown begins.
      const observed = await observe(config, systemClock);
      return await inspectState(config, (seen) =>
        readStatus({ ...seen, version, clock: systemClock, observed }),
      );
    },
  };
}
