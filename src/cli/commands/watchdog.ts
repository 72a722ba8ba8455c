import { allKinds } from "../../jobs/kinds.ts";
import { runWatchdog } from "../../ops/watchdog/watchdog.ts";
import { defineCommand } from "../command.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  json: true,
  async run({ args }) {
    const report = await runWatchdog({ config: args.config, state: args.state, kinds: () => allKinds(args) });
    const { exitCode, ...found } = report;
    const { findings, recovered, killed, waits, alerts } = report;
    const calm = killed === null ? oneLine(waits ?? "all is well") : `stopped on purpose: ${oneLine(killed)}`;
    const text = [
      ...findings.flatMap(({ title, message }) => [oneLine(title), `  ${oneLine(message)}`]),
      ...recovered.map((title) => `over: ${oneLine(title)}`),
      ...(findings.length > 0 ? [] : [calm]),
      `alerts: ${alerts.sent} sent, ${alerts.failed} failed, ${alerts.pending} waiting`,
    ];
    return { json: { ok: findings.length === 0, ...found }, text, exitCode };
  },
});
