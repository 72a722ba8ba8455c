import { chargeMicrosFromUsd, formatUsd } from "../../lib/money.ts";
import { listLedger } from "../../ops/ledger.ts";
import { reconcile } from "../../rails/reconcile.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { printJson, printLines } from "../output.ts";
import { withState } from "../state.ts";
import { printTable } from "../text.ts";

const list = defineCommand({
  description: "What every call cost, the newest first",
  examples: ["afk ledger", "afk ledger list --unknown", "afk ledger list --json --limit 1000"],
  json: true,
  args: {
    unknown: { type: "boolean", description: "Only calls whose outcome is unknown" },
    limit: {
      type: "number",
      integer: true,
      min: 1,
      max: 100_000,
      default: 50,
      description: "At most so many",
    },
  },
  async run({ args }) {
    const entries = await withState(args, ({ db }) => listLedger(db, args));
    if (args.json) return printJson(entries);
    if (entries.length === 0)
      return printLines([args.unknown ? "nothing is unknown" : "no model call was made yet"]);
    printTable(entries, [
      { title: "ID", value: (entry) => entry.id },
      { title: "AT", value: (entry) => entry.createdAt },
      { title: "MODEL", value: (entry) => `${entry.model}${entry.degraded ? " (degraded)" : ""}` },
      { title: "STATE", value: (entry) => entry.state },
      { title: "BOUND", value: (entry) => formatUsd(entry.estimateMicros), align: "right" },
      {
        title: "COST",
        value: (entry) => (entry.costMicros === null ? "-" : formatUsd(entry.costMicros)),
        align: "right",
      },
      {
        title: "TOKENS",
        value: (entry) => `${entry.inputTokens ?? "-"}/${entry.outputTokens ?? "-"}`,
        align: "right",
      },
      { title: "STEP", value: (entry) => entry.step ?? "" },
      { title: "ERROR", value: (entry) => entry.error?.slice(0, 60) ?? "" },
    ]);
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
    if (args.json) printJson({ id: args.id, costMicros });
    else printLines([`${args.id} is settled at ${formatUsd(costMicros)}`]);
  },
});

export default defineCommand({
  subCommands: { list, reconcile: reconcileCommand },
  default: "list",
});
