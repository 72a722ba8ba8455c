import type { Agent } from "../../agent.ts";
import { attendToday } from "../../evidence/unattended/attended.ts";
import { toIso } from "../../lib/clock.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { chooseLetter, chooseLetters, lackOf } from "../../ops/dead-letters.ts";
import {
  type DeadLetter,
  deadLetterKeys,
  dropDeadLetter,
  listDeadLetters,
  retryDeadLetter,
} from "../../queue/dead-letters.ts";
import { defineCommand } from "../command.ts";
import { withLook } from "../look.ts";
import { withAgent } from "../open.ts";
import { oneLine, printJson, printLines } from "../output.ts";
import { printTable } from "../text.ts";

const WORD = {
  type: "positional",
  description: "A job's name, the key of a run, or as much of it as no other has",
} as const;
const WORD_OR_ALL = { ...WORD, required: false } as const;
const ALL = { type: "boolean", description: "Every dead letter" } as const;
const KEYS_SHOWN = 100;
const NONE = "no dead letters";

const list = defineCommand({
  description: "Jobs that gave up: one line for each job and cause, however many of its runs died of it",
  examples: ["afk dead"],
  json: true,
  async run({ args }) {
    const letters = await withLook(args, ({ db }) => listDeadLetters(db));
    if (args.json) return printJson(letters);
    if (letters.length === 0) return printLines([NONE]);
    printTable(letters, [
      { title: "KEY", value: (letter) => letter.key },
      { title: "DIED", value: (letter) => toIso(letter.died_at) },
      { title: "RUNS", value: (letter) => String(letter.runs), align: "right" },
      { title: "ATTEMPTS", value: (letter) => String(letter.attempts), align: "right" },
      { title: "ERROR", value: (letter) => letter.error.slice(0, 100) },
    ]);
  },
});

const show = defineCommand({
  description: "One dead letter, whole",
  examples: ["afk dead show KEY"],
  json: true,
  args: { key: WORD },
  async run({ args }) {
    const letter = await withLook(args, async ({ db }) => {
      const found = await chooseLetter(db, args.key);
      return { ...found, keys: await deadLetterKeys(db, found, KEYS_SHOWN) };
    });
    if (args.json) return printJson(letter);
    const shown = { ...letter, died_at: toIso(letter.died_at), keys: letter.keys.join(", ") };
    printLines(Object.entries(shown).map(([name, value]) => `${name.padEnd(10)} ${oneLine(String(value))}`));
  },
});

interface Retried {
  ready: string[];
  left: string[];
  lacking: { key: string; reason: string }[];
}

const retry = defineCommand({
  description: "Makes dead jobs ready again: all that were asked for by hand, and the newest of a schedule",
  examples: ["afk dead retry KEY", "afk dead retry digest", "afk dead retry --all --dry-run"],
  json: true,
  args: {
    key: WORD_OR_ALL,
    all: ALL,
    "dry-run": { type: "boolean", description: "Say which letters are meant, and leave them" },
  },
  async run({ args }) {
    const choice = { word: args.key, isAll: args.all };
    if (args["dry-run"]) {
      const letters = await withAgent(args, ({ rails }) => chooseLetters(rails.store.db, choice));
      if (args.json)
        printJson({ key: args.key ?? null, state: "dead", letters: letters.map(({ key }) => key) });
      else printLetters("would retry", letters);
      return;
    }
    const { ready, left, lacking } = await withAgent(args, (agent) =>
      retryLetters(agent, args.key, args.all),
    );
    if (args.json) printJson({ key: args.key ?? null, state: "ready", ready, left, lacking });
    else printLines(tellRetried({ ready, left, lacking }));
    return lacking.length > 0 ? EXIT.failed : EXIT.ok;
  },
});

async function retryLetters(agent: Agent, word: string | undefined, isAll: boolean): Promise<Retried> {
  const { config, outbox, rails } = agent;
  return await rails.store.atomically(async (trx) => {
    const retried: Retried = { ready: [], left: [], lacking: [] };
    for (const letter of await chooseLetters(trx, { word, isAll })) {
      const reason = lackOf(letter, config);
      // What is named is tried again as a whole or not at all.
      if (reason !== null && !isAll) throw new AfkError("unknown_job", reason, { retry: "never" });
      if (reason !== null) {
        retried.lacking.push({ key: letter.key, reason });
        continue;
      }
      const { ready, left } = await retryDeadLetter(trx, letter, word ?? null, rails.clock.nowMs());
      retried.ready.push(...ready);
      retried.left.push(...left);
    }
    if (retried.ready.length > 0)
      await attendToday(trx, outbox.announce, {
        config,
        clock: rails.clock,
        what: word ?? "all dead letters",
      });
    return retried;
  });
}

function tellRetried({ ready, left, lacking }: Retried): string[] {
  const isNothing = ready.length + lacking.length === 0;
  return [
    ...(isNothing ? [NONE] : []),
    ...ready.map((key) => `${key} is ready again; the next tick runs it`),
    ...(left.length === 0
      ? []
      : [
          `${left.length} earlier ${left.length === 1 ? "time" : "times"} of a schedule: made up for by the newest run`,
        ]),
    ...lacking.map(({ key, reason }) => `${key} stays: ${reason}`),
  ];
}

const drop = defineCommand({
  description: "Drops dead letters for good",
  examples: ["afk dead drop KEY --dry-run", "afk dead drop digest", "afk dead drop --all"],
  json: true,
  args: {
    key: WORD_OR_ALL,
    all: ALL,
    "dry-run": { type: "boolean", description: "Say what would be dropped, and leave it" },
  },
  async run({ args }) {
    const isDry = args["dry-run"];
    const choice = { word: args.key, isAll: args.all };
    const letters = isDry
      ? await withLook(args, ({ db }) => chooseLetters(db, choice))
      : await withAgent(args, ({ rails }) =>
          rails.store.atomically(async (trx) => {
            const chosen = await chooseLetters(trx, choice);
            for (const letter of chosen) await dropDeadLetter(trx, letter, rails.clock.nowMs());
            return chosen;
          }),
        );
    const keys = letters.map(({ key }) => key);
    if (args.json) printJson({ key: args.key ?? null, dropped: !isDry, letters: keys });
    else printLetters(isDry ? "would drop" : "dropped", letters);
  },
});

function printLetters(deed: string, letters: readonly DeadLetter[]): void {
  const lines = letters.map(({ key, runs, error }) => {
    const more = runs === 1 ? "" : ` and ${runs - 1} more of its runs`;
    return `${deed} ${key}${more}: ${oneLine(error)}`;
  });
  printLines(lines.length === 0 ? [NONE] : lines);
}

export default defineCommand({
  subCommands: { list, show, retry, drop },
  default: "list",
});
