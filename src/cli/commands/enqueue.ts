import { defineCommand, UsageError } from "../command.ts";
import { withAgent } from "../open.ts";
import { printJson, printLines } from "../output.ts";

export default defineCommand({
  json: true,
  args: {
    name: { type: "positional", isJob: true, description: "The job's name in afk.yaml" },
    payload: { type: "string", valueHint: "JSON", description: "What the job is told" },
    key: { type: "string", valueHint: "KEY", description: "Idempotency key; else one is made" },
  },
  async run({ args }) {
    const payload = args.payload === undefined ? null : parse(args.payload);
    await withAgent(args, async (agent) => {
      const result = await agent.enqueue(args.name, {
        payload,
        ...(args.key === undefined ? {} : { key: args.key }),
      });
      if (args.json) printJson(result);
      else
        printLines([
          result.added ? `added ${result.key}` : `${result.key} is known already; nothing was added`,
        ]);
    });
  },
});

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(`--payload is not JSON (${error instanceof Error ? error.message : error}).`);
  }
}
