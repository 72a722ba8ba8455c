import { defineCommand, UsageError } from "../command.ts";
import { refuseInsideRun } from "../inside-run.ts";
import { withAgent } from "../open.ts";

export default defineCommand({
  json: true,
  args: {
    name: { type: "positional", names: "jobs", description: "The job's name in afk.yaml" },
    payload: { type: "string", valueHint: "JSON", description: "What the job is told" },
    force: { type: "boolean", description: "Runs it although the job is paused" },
    key: { type: "string", valueHint: "KEY", description: "Idempotency key; else one is made" },
  },
  async run({ args }) {
    // As unpause is: whoever may pause a job must not find it run by what it was paused for.
    if (args.force) refuseInsideRun(`afk enqueue ${args.name} --force`);
    const payload = args.payload === undefined ? null : parse(args.payload);
    const key = args.key === undefined ? {} : { key: args.key };
    const added = await withAgent(args, (agent) =>
      agent.enqueue(args.name, { payload, force: args.force, ...key }),
    );
    const text = added.added ? `added ${added.key}` : `${added.key} is known already; nothing was added`;
    const note = added.isPaused ? [`${args.name} is paused and stays so: this run alone is done`] : [];
    return { json: added, text: [text, ...note] };
  },
});

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(`--payload is not JSON (${error instanceof Error ? error.message : error}).`);
  }
}
