import type { Agent } from "../../agent.ts";
import { attendToday } from "../../evidence/unattended/keep-days.ts";
import { systemClock } from "../../lib/clock.ts";
import { AfkError } from "../../lib/errors.ts";
import { shortId } from "../../lib/ids.ts";
import { endOfError, plural } from "../../lib/text.ts";
import { shortMomentText } from "../../lib/zone.ts";
import { chooseDeadLetter, chooseDeadLetters, lackOf } from "../../ops/dead-letters.ts";
import {
  type DeadLetter,
  deadLetterKeys,
  dropDeadLetter,
  listDeadLetters,
  retryDeadLetter,
} from "../../queue/dead-letters.ts";
import { defineCommand, exitCode } from "../command.ts";
import { withAgent, withState } from "../open.ts";
import { oneLine } from "../output.ts";
import { type Column, tableText } from "../text.ts";
import { deadLetterLines } from "../views/dead-letter.ts";

const KEY = {
  type: "positional",
  description: "A job's name, the id or the key of a run, or as much of it as no other has",
} as const;
const KEY_OR_ALL = { ...KEY, required: false } as const;
const ALL = { type: "boolean", description: "Every dead letter" } as const;
const KEYS_SHOWN = 100;
const NONE = "no dead letters";

const list = defineCommand({
  description: "Jobs that gave up: one line for each job and cause, however many of its runs died of it",
  examples: ["afk dead"],
  json: true,
  async run({ args }) {
    return await withState(args, async ({ db, config: { timezone } }) => {
      const deadLetters = await listDeadLetters(db);
      const nowMs = systemClock.nowMs();
      const columns: Column<DeadLetter>[] = [
        ["ID", ({ job_id }) => shortId(job_id)],
        ["JOB", ({ name }) => name],
        ["DIED", ({ died_at }) => shortMomentText(died_at, timezone, nowMs)],
        ["RUNS", ({ runs }) => String(runs), "right"],
        ["TRIES", ({ attempts }) => String(attempts), "right"],
      ];
      const text = tableText(deadLetters, columns, NONE, ({ error }) => endOfError(error));
      const todo =
        deadLetters.length === 0
          ? []
          : ["", "afk dead show ID says more; then: afk dead retry ID, or afk dead drop ID"];
      return { json: deadLetters, text: [...text, ...todo] };
    });
  },
});

const show = defineCommand({
  description: "One dead letter: what it died of, what it carries, and what to do",
  examples: ["afk dead show digest", "afk dead show 8t2kqz4m --json"],
  json: true,
  args: { key: KEY },
  async run({ args }) {
    return await withState(args, async ({ db, config: { timezone } }) => {
      const found = await chooseDeadLetter(db, args.key);
      const deadLetter = { ...found, keys: await deadLetterKeys(db, found, KEYS_SHOWN) };
      return {
        json: deadLetter,
        text: deadLetterLines(deadLetter, { timezone, nowMs: systemClock.nowMs() }),
      };
    });
  },
});

interface Retried {
  ready: string[];
  left: string[];
  lacking: { key: string; reason: string }[];
}

const retry = defineCommand({
  isForPeople: true,
  description: "Makes dead jobs ready again: all that were asked for by hand, and the newest of a schedule",
  examples: ["afk dead retry KEY", "afk dead retry digest", "afk dead retry --all --dry-run"],
  json: true,
  args: {
    key: KEY_OR_ALL,
    all: ALL,
    "dry-run": { type: "boolean", description: "Says which dead letters are meant, and leaves them" },
  },
  async run({ args }) {
    const choice = { word: args.key, isAll: args.all };
    if (args["dry-run"]) {
      const deadLetters = await withAgent(args, ({ rails }) => chooseDeadLetters(rails.store.db, choice));
      const letters = deadLetters.map(({ key }) => key);
      return {
        json: { key: args.key ?? null, state: "dead", letters },
        text: linesOf("would retry", deadLetters),
      };
    }
    const retried = await withAgent(args, (agent) => retryDeadLetters(agent, args.key, args.all));
    return {
      json: { key: args.key ?? null, state: "ready", ...retried },
      text: retriedLines(retried),
      exitCode: exitCode(retried.lacking.length === 0),
    };
  },
});

async function retryDeadLetters(agent: Agent, word: string | undefined, isAll: boolean): Promise<Retried> {
  const { config, outbox, rails } = agent;
  return await rails.store.atomically(async (trx) => {
    const retried: Retried = { ready: [], left: [], lacking: [] };
    for (const deadLetter of await chooseDeadLetters(trx, { word, isAll })) {
      const reason = lackOf(deadLetter, config);
      // What is named is tried again as a whole or not at all.
      if (reason !== null && !isAll) throw new AfkError("unknown_job", reason, { retry: "never" });
      if (reason !== null) {
        retried.lacking.push({ key: deadLetter.key, reason });
        continue;
      }
      const { ready, left } = await retryDeadLetter(trx, deadLetter, word ?? null, rails.clock.nowMs());
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

function retriedLines({ ready, left, lacking }: Retried): string[] {
  const isNothing = ready.length + lacking.length === 0;
  return [
    ...(isNothing ? [NONE] : []),
    ...ready.map((key) => `${key} is ready again; the next tick runs it`),
    ...(left.length === 0
      ? []
      : [`${plural(left.length, "earlier time")} of a schedule: made up for by the newest run`]),
    ...lacking.map(({ key, reason }) => `${key} stays: ${reason}`),
  ];
}

const drop = defineCommand({
  description: "Drops dead letters for good",
  examples: ["afk dead drop KEY --dry-run", "afk dead drop digest", "afk dead drop --all"],
  json: true,
  args: {
    key: KEY_OR_ALL,
    all: ALL,
    "dry-run": { type: "boolean", description: "Say what would be dropped, and leave it" },
  },
  async run({ args }) {
    const isDry = args["dry-run"];
    const choice = { word: args.key, isAll: args.all };
    const deadLetters = isDry
      ? await withState(args, ({ db }) => chooseDeadLetters(db, choice))
      : await withAgent(args, ({ rails }) =>
          rails.store.atomically(async (trx) => {
            const chosen = await chooseDeadLetters(trx, choice);
            for (const deadLetter of chosen) await dropDeadLetter(trx, deadLetter, rails.clock.nowMs());
            return chosen;
          }),
        );
    return {
      json: { key: args.key ?? null, dropped: !isDry, letters: deadLetters.map(({ key }) => key) },
      text: linesOf(isDry ? "would drop" : "dropped", deadLetters),
    };
  },
});

function linesOf(deed: string, deadLetters: readonly DeadLetter[]): string[] {
  if (deadLetters.length === 0) return [NONE];
  return deadLetters.map(({ key, runs, error }) => {
    const more = runs === 1 ? "" : ` and ${runs - 1} more of its runs`;
    return `${deed} ${key}${more}: ${oneLine(error)}`;
  });
}

export default defineCommand({
  subCommands: { list, show, retry, drop },
  default: "list",
});
