import { allKinds } from "../../jobs/kinds.ts";
import { EXIT } from "../../lib/errors.ts";
import { runWatchdog } from "../../ops/watchdog/watchdog.ts";
import { defineCommand } from "../command.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  json: true,
  async run({ args }) {
    const report = await runWatchdog({ config: args.config, state: args.state, kinds: () => allKinds(args) });
    const { exitCode, ...found } = report;
    const { condition, findings, recovered, killed, alerts } = report;
    const line = condition?.line ?? null;
    const text = [
      ...(line === null || findings.length > 0 || killed !== null ? [] : [oneLine(line)]),
      ...findings.flatMap(({ title, message }) => [oneLine(title), `  ${oneLine(message)}`]),
      ...recovered.map((title) => `over: ${oneLine(title)}`),
      ...(killed === null ? [] : [`stopped on purpose: ${oneLine(killed)}`]),
      `alerts: ${alerts.sent} sent, ${alerts.failed} failed, ${alerts.pending} waiting`,
    ];
    return { json: { ok: exitCode === EXIT.ok, ...found }, text, exitCode };
  },
});
