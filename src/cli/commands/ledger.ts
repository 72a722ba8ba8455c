import { systemClock } from "../../lib/clock.ts";
import { shortId } from "../../lib/ids.ts";
import { chargeMicrosFromUsd, formatUsd } from "../../lib/money.ts";
import { jobNameOf } from "../../lib/run-key.ts";
import { shortMomentText } from "../../lib/zone.ts";
import { readCapAnswers } from "../../ops/condition/questions.ts";
import { LEDGER_GROUPS, type LedgerGroup, type LedgerSum, listLedger, sumLedger } from "../../ops/ledger.ts";
import { meantId } from "../../ops/short-ids.ts";
import { reconcile } from "../../rails/reconcile.ts";
import { defineCommand, LIMIT } from "../command.ts";
import { withAgent, withState } from "../open.ts";
import { type Column, tableText } from "../text.ts";
import { answerRows } from "../views/answers.ts";
import { readSpan } from "../when.ts";

type Entry = Awaited<ReturnType<typeof listLedger>>[number];

function entryColumns(timezone: string, nowMs: number): Column<Entry>[] {
  return [
    ["ID", ({ id }) => shortId(id)],
    ["AT", ({ createdAt }) => shortMomentText(Date.parse(createdAt), timezone, nowMs)],
    ["WHO", whoOf],
    ["MODEL", ({ model }) => model],
    ["STATE", ({ state }) => state],
    ["COST", costOf, "right"],
    ["TOKENS", ({ inputTokens, outputTokens }) => `${tokens(inputTokens)}/${tokens(outputTokens)}`, "right"],
  ];
}

/** A client, or the job; the run of the job is in JSON. */
function whoOf({ client, job }: Entry): string {
  if (client !== null) return `client ${client}`;
  return job === null ? "-" : jobNameOf(job);
}

function tokens(count: number | null): string {
  if (count === null) return "-";
  return count < 10_000 ? String(count) : `${Math.round(count / 1_000)}k`;
}

/** What it cost; what is reserved for one under way, or charged until its cost is known, is its bound. */
function costOf({ costMicros, estimateMicros, state }: Entry): string {
  if (costMicros !== null) return formatUsd(costMicros);
  return state === "released" ? "-" : formatUsd(estimateMicros);
}

/** What a row says below itself. */
function remarkOf({ degraded, step, session, error }: Entry): string {
  // `item:cac5c473…`: which item it was is in the JSON.
  const what = step?.replace(/:[0-9a-f]{16,}$/, "") ?? session;
  return [
    ...(degraded ? ["not the first choice"] : []),
    ...(error === null ? [] : [what === null ? error : `${what}: ${error}`]),
  ].join("; ");
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
  ["TOKENS", (sum) => `${tokens(sum.inputTokens)}/${tokens(sum.outputTokens)}`, "right"],
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
        const columns = entryColumns(config.timezone, systemClock.nowMs());
        const text = tableText(entries, columns, none, remarkOf);
        // What the caps are at present is told where nothing particular was asked for.
        if (Object.values({ ...filter, limit: undefined }).some(Boolean)) return { json: entries, text };
        const answers = await readCapAnswers({ config, db, clock: systemClock }, systemClock.nowMs());
        return { json: entries, text: [...text, ...answerRows(answers).map((row) => row.join(" ").trim())] };
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
  isForPeople: true,
  description: "Says what a call of unknown outcome cost, by the provider's own bill",
  examples: ["afk ledger reconcile ID --usd 0.0012", "afk ledger reconcile ID --usd 0"],
  json: true,
  args: {
    id: { type: "positional", description: "The entry's id, or as much of it as no other has" },
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
    const id = await withAgent(args, async (agent) => {
      const entry = await meantId(agent.store.db, "ledger", args.id);
      await reconcile(agent.rails, entry, costMicros);
      agent.log.event("warn", "call_reconciled", { entry, costMicros });
      return entry;
    });
    return { json: { id, costMicros }, text: [`${id} is settled at ${formatUsd(costMicros)}`] };
  },
});

export default defineCommand({
  subCommands: { list, reconcile: reconcileCommand },
  default: "list",
});
