import { readAgentConfig } from "../../agent.ts";
import { systemClock } from "../../lib/clock.ts";
import { withAlerting } from "../../ops/alerting.ts";
import { deliverAgain, type SentAgain } from "../../ops/deliver-again.ts";
import { jobNamed } from "../../runner/phases/enqueue-due.ts";
import { defineCommand, exitCode } from "../command.ts";
import { oneLine } from "../output.ts";
import { type Column, tableText } from "../text.ts";

const COLUMNS: Column<SentAgain["receivers"][number]>[] = [
  ["RECEIVER", ({ receiver }) => receiver],
  ["TYPE", ({ type }) => type],
  ["MESSAGES", ({ messages }) => `${messages.taken} of ${messages.all}`],
  ["STATUS", ({ status }) => String(status ?? "-")],
  ["RESULT", ({ ok, error }) => (ok ? "ok" : oneLine(error ?? "refused"))],
];

export default defineCommand({
  json: true,
  args: {
    name: { type: "positional", names: "jobs", description: "The job's name in afk.yaml" },
    to: { type: "string", valueHint: "RECEIVER", description: "This one alone; any channel of alerts: too" },
  },
  async run({ args }) {
    const config = readAgentConfig(args);
    const job = jobNamed(config.jobs, args.name);
    const sent = await withAlerting(config, systemClock, (alerting) => deliverAgain(alerting, job, args.to));
    const isWell = sent.receivers.every(({ ok }) => ok);
    const failed = sent.outcome === "dead" ? ", which failed" : "";
    return {
      json: { ok: isWell, ...sent },
      text: [
        oneLine(`the last result of ${sent.job}${failed}: ${sent.title}`),
        ...(sent.isKilled ? ["the kill switch is set; a result that is there is sent all the same"] : []),
        ...tableText(sent.receivers, COLUMNS, ""),
      ],
      exitCode: exitCode(isWell),
    };
  },
});
