import type { Agent } from "../../agent.ts";
import { systemClock } from "../../lib/clock.ts";
import { shortMomentText } from "../../lib/zone.ts";
import { type ClientKey, listKeys, makeKey, revokeKeys } from "../../ops/client-keys.ts";
import { defineCommand, LIMIT, UsageError } from "../command.ts";
import { withAgent, withState } from "../open.ts";
import { printLines } from "../output.ts";
import { type Column, tableText } from "../text.ts";

const NAME = { type: "positional", names: "clients", description: "The client's name in afk.yaml" } as const;

function columns(timezone: string, nowMs: number): Column<ClientKey>[] {
  const at = (iso: string | null) => (iso === null ? "-" : shortMomentText(Date.parse(iso), timezone, nowMs));
  return [
    ["CLIENT", ({ client }) => client],
    ["ENDS IN", ({ hint }) => hint ?? "(in afk.yaml)"],
    ["STATE", ({ state }) => state],
    ["MADE", ({ madeAt }) => at(madeAt)],
    ["REVOKED", ({ revokedAt }) => at(revokedAt)],
  ];
}

const make = defineCommand({
  isForPeople: true,
  description: "Makes a key for a client, valid at once, and prints it this once",
  examples: ["afk key make laptop", "export ANTHROPIC_AUTH_TOKEN=$(afk key make laptop)"],
  json: true,
  args: { name: NAME },
  async run({ args }) {
    const made = await withAgent(args, async (agent) => {
      const key = await makeKey(usesOf(agent), args.name);
      agent.log.event("info", "key_made", { client: key.client, hint: key.hint });
      return key;
    });
    // The key is all that standard output carries, so that a script can take it.
    if (!args.json) printLines(["It is not shown again; afk keeps its hash alone."], process.stderr);
    return { json: made, text: [made.key] };
  },
});

const list = defineCommand({
  description: "The keys of all clients: their ends, and whether they are valid",
  examples: ["afk key", "afk key list --json"],
  json: true,
  args: { limit: LIMIT },
  async run({ args }) {
    return await withState(args, async ({ db, config }) => {
      const keys = await listKeys(db, config, args.limit);
      const none = "no client has a key; make one: afk key make NAME";
      return { json: keys, text: tableText(keys, columns(config.timezone, systemClock.nowMs()), none) };
    });
  },
});

const revoke = defineCommand({
  description: "Ends keys of a client for good, at once; its spend and its caps stay",
  examples: ["afk key revoke laptop", "afk key revoke laptop 3f9a0c", "afk key revoke laptop --all"],
  json: true,
  args: {
    name: NAME,
    hint: {
      type: "positional",
      required: false,
      description: "The end of the key, as afk key list shows it",
    },
    all: { type: "boolean", description: "Every key of the client" },
  },
  async run({ args }) {
    if (args.all && args.hint !== undefined) throw new UsageError("Write the end of one key, or --all.");
    const which = args.all ? "all" : args.hint === undefined ? "only" : { hint: args.hint };
    const hints = await withAgent(args, async (agent) => {
      const revoked = await revokeKeys(usesOf(agent), args.name, which);
      agent.log.event("warn", "key_revoked", { client: args.name, hints: revoked });
      return revoked;
    });
    const text = hints.map((hint) => `revoked the key of ${args.name} that ends in ${hint}`);
    return { json: { client: args.name, revoked: hints }, text };
  },
});

function usesOf({ store, rails, config }: Agent) {
  return { store, clock: rails.clock, config };
}

export default defineCommand({ subCommands: { make, list, revoke }, default: "list" });
