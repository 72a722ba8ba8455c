import { chargeMicrosFromUsd, formatUsd } from "../../lib/money.ts";
import { listLedger } from "../../ops/ledger.ts";
import { reconcile } from "../../rails/reconcile.ts";
import { defineCommand, LIMIT } from "../command.ts";
import { withAgent, withState } from "../open.ts";
import { type Column, tableText } from "../text.ts";

const list = defineCommand({
  description: "What every call cost, the newest first",
  examples: ["afk ledger", "afk ledger list --unknown", "afk ledger list --json --limit 1000"],
  json: true,
  args: {
    unknown: { type: "boolean", description: "Only calls whose outcome is unknown" },
    limit: { ...LIMIT, max: 100_000 },
  },
  async run({ args }) {
    const entries = await withState(args, ({ db }) => listLedger(db, args));
    const columns: Column<(typeof entries)[number]>[] = [
      ["ID", (entry) => entry.id],
      ["AT", (entry) => entry.createdAt],
      ["MODEL", (entry) => `${entry.model}${entry.degraded ? " (degraded)" : ""}`],
      ["STATE", (entry) => entry.state],
      ["BOUND", (entry) => formatUsd(entry.estimateMicros), "right"],
      ["COST", (entry) => (entry.costMicros === null ? "-" : formatUsd(entry.costMicros)), "right"],
      ["TOKENS", (entry) => `${entry.inputTokens ?? "-"}/${entry.outputTokens ?? "-"}`, "right"],
      ["STEP", (entry) => entry.step ?? ""],
      ["ERROR", (entry) => entry.error?.slice(0, 60) ?? ""],
    ];
    const none = args.unknown ? "nothing is unknown" : "no model call was made yet";
    return { json: entries, text: tableText(entries, columns, none) };
  },
});

const reconcileCommand = defineCommand({
  description: "Says what a call of unknown outcome cost, by the provider's own bill",
  examples: ["afk ledger reconcile ID --usd 0.0012", "afk ledger reconcile ID --usd 0"],
  json: true,
  args: {
    id: { type: "positional", description: "The entry's id" },
    usd: {
      type: "number",
      required: true,
      min: 0,
      max: 1_000_000,
      valueHint: "X",
      description: "What it cost, in US dollars",
    },
  },
  async run({ args }) {
    const costMicros = chargeMicrosFromUsd(args.usd);
    await withAgent(args, async (agent) => {
      await reconcile(agent.rails, args.id, costMicros);
      agent.log.event("warn", "call_reconciled", { entry: args.id, costMicros });
    });
    return { json: { id: args.id, costMicros }, text: [`${args.id} is settled at ${formatUsd(costMicros)}`] };
  },
});

export default defineCommand({
  subCommands: { list, reconcile: reconcileCommand },
  default: "list",
});
