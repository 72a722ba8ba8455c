import { toIso } from "../../lib/clock.ts";
import { AfkError } from "../../lib/errors.ts";
import { attendToday } from "../../ops/clock/attended.ts";
import { dropDead, findDead, listDead, retryDead } from "../../queue/dead-letter.ts";
import { defineCommand } from "../command.ts";
import { withLook } from "../look.ts";
import { withAgent } from "../open.ts";
import { oneLine, printJson, printLines, printTable } from "../output.ts";

const KEY = { type: "positional", description: "The job's key" } as const;

const list = defineCommand({
  meta: { name: "dead list", description: "Jobs that used all their attempts", examples: ["afk dead"] },
  json: true,
  async run({ args }) {
    const letters = await withLook(args, ({ db }) => listDead(db));
    if (args.json) return printJson(letters);
    if (letters.length === 0) return printLines(["no dead letters"]);
    printTable(letters, [
      { title: "KEY", value: (letter) => letter.key },
      { title: "DIED", value: (letter) => toIso(letter.died_at) },
      { title: "ATTEMPTS", value: (letter) => String(letter.attempts), align: "right" },
      { title: "ERROR", value: (letter) => letter.error.slice(0, 100) },
    ]);
  },
});

const show = defineCommand({
  meta: { name: "dead show", description: "One dead letter, whole", examples: ["afk dead show KEY"] },
  json: true,
  args: { key: KEY },
  async run({ args }) {
    const letter = await withLook(args, ({ db }) => findDead(db, args.key));
    if (letter === undefined) throw noLetter(args.key);
    if (args.json) return printJson(letter);
    const shown = { ...letter, died_at: toIso(letter.died_at) };
    printLines(Object.entries(shown).map(([name, value]) => `${name.padEnd(10)} ${oneLine(String(value))}`));
  },
});

const retry = defineCommand({
  meta: { name: "dead retry", description: "Makes a dead job ready again", examples: ["afk dead retry KEY"] },
  json: true,
  args: { key: KEY },
  async run({ args }) {
    const isFound = await withAgent(args, ({ config, outbox, rails: { clock } }) =>
      outbox.transaction(async (trx, announce) => {
        const found = await retryDead(trx, args.key, clock.nowMs());
        if (found) await attendToday(trx, announce, { config, clock, what: args.key });
        return found;
      }),
    );
    if (!isFound) throw noLetter(args.key);
    if (args.json) printJson({ key: args.key, state: "ready" });
    else printLines([`${args.key} is ready again; the next tick runs it`]);
  },
});

const drop = defineCommand({
  meta: {
    name: "dead drop",
    description: "Drops a dead letter for good",
    examples: ["afk dead drop KEY --dry-run"],
  },
  json: true,
  args: { key: KEY, "dry-run": { type: "boolean", description: "Say what would be dropped, and leave it" } },
  async run({ args }) {
    const letter = args["dry-run"]
      ? await withLook(args, ({ db }) => findDead(db, args.key))
      : await withAgent(args, async ({ rails }) => {
          const found = await findDead(rails.store.db, args.key);
          if (found !== undefined)
            await rails.store.transaction((trx) => dropDead(trx, args.key, rails.clock.nowMs()));
          return found;
        });
    if (letter === undefined) throw noLetter(args.key);
    if (args.json) printJson({ key: args.key, dropped: !args["dry-run"] });
    else printLines([`${args["dry-run"] ? "would drop" : "dropped"} ${args.key}: ${oneLine(letter.error)}`]);
  },
});

function noLetter(key: string): AfkError {
  return new AfkError("unknown_dead_letter", `there is no dead letter ${key}; see: afk dead`, {
    retry: "never",
  });
}

export default defineCommand({
  meta: {
    name: "dead",
    description: "Jobs that used all their attempts and wait for a person",
    examples: ["afk dead", "afk dead retry KEY", "afk dead drop KEY --dry-run"],
  },
  subCommands: { list, show, retry, drop },
  default: "list",
});
