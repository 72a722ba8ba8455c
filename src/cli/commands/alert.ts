import { readAgentConfig } from "../../agent.ts";
import { allKinds } from "../../jobs/kinds.ts";
import { systemClock } from "../../lib/clock.ts";
import { alertUnitFailed } from "../../ops/alert-unit.ts";
import { testAlerts } from "../../ops/direct-alert.ts";
import { defineCommand, exitCode } from "../command.ts";
import { oneLine } from "../output.ts";
import { type Column, tableText } from "../text.ts";

const NONE = "no channel: nobody hears of what goes wrong; add one under alerts:, or set ALERT_WEBHOOK";
const COLUMNS: Column<Awaited<ReturnType<typeof testAlerts>>["alerts"][number]>[] = [
  ["CHANNEL", ({ name, type }) => (name.startsWith(type) ? name : `${name} (${type})`)],
  ["HOST", ({ host }) => host],
  ["STATUS", ({ status }) => String(status ?? "-")],
  ["RESULT", ({ ok, error }) => (ok ? "ok" : oneLine(error ?? "refused"))],
];

const test = defineCommand({
  description: "Sends a real message through every channel and shows what each answered",
  examples: ["afk alert test", "afk alert test --json"],
  json: true,
  async run({ args }) {
    const config = readAgentConfig(args);
    const { alerts, results } = await testAlerts(config, systemClock);
    const channels = [...alerts, ...results];
    // A receiver of results hears of no trouble.
    const isWell = alerts.length > 0 && channels.every((channel) => channel.ok);
    return {
      json: { ok: isWell, channels },
      text: [
        ...tableText(channels, COLUMNS, NONE),
        ...(alerts.length === 0 && results.length > 0 ? [NONE] : []),
      ],
      exitCode: exitCode(isWell),
    };
  },
});

const unit = defineCommand({
  description: "Sends the alert of a unit that failed; afk-alert@.service calls it",
  examples: ["afk alert unit afk.service --result exit-code --status 78"],
  json: true,
  args: {
    unit: { type: "positional", description: "The unit's name" },
    result: {
      type: "string",
      valueHint: "RESULT",
      default: "unknown",
      description: "How it ended: $MONITOR_SERVICE_RESULT",
    },
    status: {
      type: "string",
      valueHint: "STATUS",
      default: "unknown",
      description: "Its exit code or signal: $MONITOR_EXIT_STATUS",
    },
    invocation: {
      type: "string",
      valueHint: "ID",
      description:
        "$MONITOR_INVOCATION_ID: told twice, the same failure is then one alert; without it, one an hour",
    },
  },
  async run({ args }) {
    const { unit: name, result, status, invocation } = args;
    const told = await alertUnitFailed(
      { config: args.config, state: args.state, kinds: () => allKinds(args) },
      { unit: name, result, status, invocation },
    );
    // Without the outbox nobody tries again.
    const isTold = told.sent > 0 || told.isKnown || (!told.direct && told.failed === 0);
    const text = [
      told.isKnown
        ? `the same was told within the hour (${told.key})`
        : `${told.sent} told, ${told.failed} not${told.direct ? "" : " yet"} (${told.key})`,
      ...(told.problem === null ? [] : [`told directly, past the outbox: ${oneLine(told.problem)}`]),
    ];
    return { json: { ok: isTold, ...told }, text, exitCode: exitCode(isTold) };
  },
});

export default defineCommand({
  subCommands: { test, unit },
});
