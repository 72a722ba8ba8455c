import { readAgentConfig } from "../../agent.ts";
import { humanLine } from "../../logs/people.ts";
import { readLogs } from "../../logs/read.ts";
import { defineCommand, UsageError } from "../command.ts";
import { isColoured, printLines } from "../output.ts";
import { sinceMs } from "../since.ts";

export default defineCommand({
  meta: {
    name: "logs",
    description: "The trace of anything",
    examples: [
      "afk logs",
      "afk logs --tick ID",
      "afk logs --event cap_hit --since 2d",
      "afk logs --json | jq .",
    ],
  },
  json: true,
  args: {
    tick: { type: "string", valueHint: "ID", description: "Only this tick" },
    job: { type: "string", valueHint: "KEY", description: "Only this job" },
    event: { type: "string", valueHint: "E", description: "Only this event" },
    since: {
      type: "string",
      valueHint: "T",
      description: "An ISO 8601 instant, or a span back from now such as 2d or 90m",
    },
    limit: {
      type: "number",
      integer: true,
      min: 1,
      max: 1_000_000,
      default: 10_000,
      description: "At most so many, the newest",
    },
  },
  run({ args }) {
    const config = readAgentConfig({ config: args.config, state: args.state });
    const since = args.since === undefined ? undefined : sinceMs(args.since);
    if (since === null)
      throw new UsageError(`--since ${args.since} is neither an instant nor a span such as 2d or 90m.`);
    const { tick, job, event, limit } = args;
    const wanted = { tick, job, event, limit, sinceMs: since };
    const filter = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    const colour = isColoured();
    for (const line of readLogs({ dir: config.paths.logs, ...filter })) {
      printLines([args.json ? JSON.stringify(line) : humanLine(line, { colour })]);
    }
  },
});
