import { type Agent, VERSION } from "../../agent.ts";
import { configHash } from "../../config/hash.ts";
import {
  missingEvidence,
  startUnattended,
  stopUnattended,
  type UnattendedSources,
} from "../../evidence/unattended/unattended.ts";
import { plural } from "../../lib/text.ts";
import { readUnattended, type UnattendedStatus } from "../../ops/unattended.ts";
import { defineCommand } from "../command.ts";
import { withAgent, withState } from "../open.ts";

const start = defineCommand({
  isForPeople: true,
  description: "Starts the count with today as Day 0; refuses until the drills have passed",
  examples: ["afk drill", "afk clock start"],
  json: true,
  async run({ args }) {
    const clock = await withAgent(args, (agent) => startUnattended(sourcesOf(agent)));
    const text = [
      `the clock runs; Day 0 is ${clock.dayZero}`,
      "each day that is over gets a line in runs/run-log.md",
    ];
    return { json: clock, text };
  },
});

const status = defineCommand({
  description: "The count of unattended days, and what it would take to start it",
  examples: ["afk clock", "afk clock status --json"],
  json: true,
  async run({ args }) {
    const { clock, missing } = await withState(args, async ({ config, db }) => ({
      clock: await readUnattended(db),
      missing: await missingEvidence(db, { version: VERSION, configHash: configHash(config) }),
    }));
    const text = [
      ...(clock === null ? ["no clock runs; to begin: afk clock start"] : linesOf(clock)),
      ...missing.map((each) => `not proved for this version and configuration: ${each}; run: afk drill`),
    ];
    return { json: { clock, missing }, text };
  },
});

const stop = defineCommand({
  description: "Ends the count; what was written stays",
  examples: ["afk clock stop --dry-run", "afk clock stop"],
  json: true,
  args: { "dry-run": { type: "boolean", description: "Say what would end, and leave it" } },
  async run({ args }) {
    const ended = args["dry-run"]
      ? await withState(args, ({ db }) => readUnattended(db))
      : await withAgent(args, (agent) => stopUnattended(sourcesOf(agent)));
    const deed = args["dry-run"] ? "would stop" : "stopped";
    const text = ended === null ? "no clock runs" : `${deed} the clock at ${days(ended.days)}`;
    return { json: { dryRun: args["dry-run"], clock: ended }, text: [text] };
  },
});

export default defineCommand({
  subCommands: { start, status, stop },
  default: "status",
});

function sourcesOf({ config, version, store, outbox, rails, log }: Agent): UnattendedSources {
  return { config, version, store, outbox, clock: rails.clock, log };
}

function linesOf({ days: count, dayZero, startedAt, lastDay }: UnattendedStatus): string[] {
  return [
    `${days(count)} in a row; Day 0 is ${dayZero}`,
    `started at ${startedAt}; ${lastDay === null ? "no day is over yet" : `the latest day that is over is ${lastDay}`}`,
  ];
}

function days(count: number): string {
  return plural(count, "unattended day");
}
