import { systemClock } from "../../lib/clock.ts";
import { chargeMicrosFromUsd, formatUsd } from "../../lib/money.ts";
import { LEDGER_GROUPS, type LedgerGroup, type LedgerSum, listLedger, sumLedger } from "../../ops/ledger.ts";
import { reconcile } from "../../rails/reconcile.ts";
import { defineCommand, LIMIT } from "../command.ts";
import { withAgent, withState } from "../open.ts";
import { type Column, tableText } from "../text.ts";
import { readSpan } from "../when.ts";

type Entry = Awaited<ReturnType<typeof listLedger>>[number];

const ENTRY_COLUMNS: Column<Entry>[] = [
  ["ID", (entry) => entry.id],
  ["AT", (entry) => entry.createdAt],
  ["WHO", whoOf],
  ["MODEL", (entry) => `${entry.model}${entry.degraded ? " (degraded)" : ""}`],
  ["STATE", (entry) => entry.state],
  ["BOUND", (entry) => formatUsd(entry.estimateMicros), "right"],
  ["COST", (entry) => (entry.costMicros === null ? "-" : formatUsd(entry.costMicros)), "right"],
  ["TOKENS", (entry) => `${entry.inputTokens ?? "-"}/${entry.outputTokens ?? "-"}`, "right"],
  ["STEP", (entry) => entry.step ?? entry.session ?? ""],
  ["ERROR", (entry) => entry.error?.slice(0, 60) ?? ""],
];

/** A client, or the key of the job's run. */
function whoOf({ client, job }: Entry): string {
  return client === null ? (job ?? "-") : `client ${client}`;
}

const SUM_COLUMNS: Column<LedgerSum>[] = [
  ["CALLS", (sum) => String(sum.calls), "right"],
  ["SETTLED", (sum) => formatUsd(sum.settledMicros), "right"],
  ["RESERVED", (sum) => formatUsd(sum.reservedMicros), "right"],
  [
    "UNKNOWN",
    (sum) => (sum.unknownCalls === 0 ? "-" : `${formatUsd(sum.unknownMicros)} (${sum.unknownCalls})`),
    "right",
  ],
  ["DEGRADED", (sum) => String(sum.degraded), "right"],
  ["TOKENS", (sum) => `${sum.inputTokens}/${sum.outputTokens}`, "right"],
];

const list = defineCommand({
  description: "What every call cost, the newest first; with --by what each came to, the dearest first",
  examples: [
    "afk ledger",
    "afk ledger list --unknown",
    "afk ledger list --client laptop --since 1d",
    "afk ledger list --by session --client laptop",
    "afk ledger list --json --limit 1000",
  ],
  json: true,
  args: {
    unknown: { type: "boolean", description: "Only calls whose outcome is unknown" },
    client: { type: "string", valueHint: "NAME", description: "Only calls of this client of the gateway" },
    session: {
      type: "string",
      valueHint: "LABEL",
      description: "Only calls of the conversation that a client calls so",
    },
    model: { type: "string", valueHint: "MODEL", description: "Only calls of this model, provider/model" },
    job: { type: "string", valueHint: "NAME", description: "Only calls of this job" },
    by: {
      type: "enum",
      options: LEDGER_GROUPS,
      valueHint: "WHAT",
      description: `Adds up what each came to: by ${LEDGER_GROUPS.join(", ")}`,
    },
    since: { type: "string", valueHint: "T", description: "From then on: 2h, 1d, a day, a time" },
    until: { type: "string", valueHint: "T", description: "Before then; of a day, to its end (now)" },
    limit: { ...LIMIT, max: 100_000 },
  },
  async run({ args }) {
    return await withState(args, async ({ db, config }) => {
      const span = readSpan(args, { nowMs: systemClock.nowMs(), timezone: config.timezone });
      const { unknown, client, session, model, job, limit } = args;
      const filter = { unknown, client, session, model, job, limit, ...span };
      const none = unknown
        ? "nothing is unknown"
        : [client, session, model, job, args.since, args.until].some((each) => each !== undefined)
          ? "no such call was made"
          : "no model call was made yet";
      if (args.by === undefined) {
        const entries = await listLedger(db, filter);
        return { json: entries, text: tableText(entries, ENTRY_COLUMNS, none) };
      }
      const { rows, more } = await sumLedger(db, args.by as LedgerGroup, filter);
      const columns: Column<LedgerSum>[] = [
        [args.by.toUpperCase(), ({ name }) => name ?? "(none)"],
        ...SUM_COLUMNS,
      ];
      const text = tableText(rows, columns, none);
      return { json: rows, text: more === 0 ? text : [...text, `and ${more} more: --limit`] };
    });
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
