import { allKinds } from "../../jobs/kinds.ts";
import { runWatchdog } from "../../ops/watchdog/watchdog.ts";
import { defineCommand } from "../command.ts";
import { oneLine, printJson, printLines } from "../output.ts";

export default defineCommand({
  json: true,
  async run({ args }) {
    const report = await runWatchdog({ config: args.config, state: args.state, kinds: () => allKinds(args) });
    const { exitCode, ...found } = report;
    if (args.json) printJson({ ok: report.findings.length === 0, ...found });
    else {
      printLines([
        ...report.findings.flatMap(({ title, message }) => [oneLine(title), `  ${oneLine(message)}`]),
        ...report.recovered.map((title) => `over: ${oneLine(title)}`),
        ...(report.findings.length > 0
          ? []
          : [
              report.killed === null
                ? oneLine(report.waits ?? "all is well")
                : `stopped on purpose: ${oneLine(report.killed)}`,
            ]),
        `alerts: ${report.alerts.sent} sent, ${report.alerts.failed} failed, ${report.alerts.pending} waiting`,
      ]);
    }
    return exitCode;
  },
});
