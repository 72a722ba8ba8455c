import type { Agent } from "../../agent.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { usdFromMicros } from "../../lib/money.ts";
import type { Message } from "../../providers/types.ts";
import { isHalt } from "../../rails/halt.ts";
import { defineCommand, UsageError } from "../command.ts";
import { withAgent } from "../open.ts";
import { printLines } from "../output.ts";
import { stopOnSignals } from "../worker.ts";

/** Far more than a model takes in. */
const INPUT_BYTES_MAX = 16 * 1024 * 1024;

export default defineCommand({
  json: true,
  args: {
    text: {
      type: "positional",
      isList: true,
      required: false,
      description: "What to ask; else standard input",
    },
    model: {
      type: "string",
      valueHint: "MODEL",
      description:
        "This one instead of the chain of afk.yaml; it has a price. An alias of gateway.models, or PROVIDER/MODEL",
    },
    system: { type: "string", valueHint: "TEXT", description: "What the model is told before" },
  },
  async run({ args }) {
    const content = args.text.length > 0 ? args.text.join(" ") : await standardInput();
    if (content.trim() === "") throw new UsageError("There is nothing to ask; write a text, or pipe one in.");
    const system: Message[] = args.system === undefined ? [] : [{ role: "system", content: args.system }];
    const completion = await withAgent(args, async (agent) => {
      stopOnSignals(agent);
      return await complete(agent, [...system, { role: "user", content }], args.model);
    });
    const { text, model, costMicros, usage, degraded, truncated = false } = completion;
    if (degraded && !args.json)
      printLines([`answered by ${model}, since no model before it in the chain could`], process.stderr);
    const costUsd = usdFromMicros(costMicros);
    return { json: { text, model, costUsd, usage, degraded, truncated }, text: [text.trimEnd()] };
  },
});

/** A tick that a rail halts has done what it should; a script that gets no text must not take it for one. */
async function complete(agent: Agent, messages: Message[], model: string | undefined) {
  try {
    const aliases = agent.config.gateway.models ?? {};
    const named = model !== undefined && Object.hasOwn(aliases, model) ? aliases[model] : model;
    return await agent.model.complete({ messages }, { model: named, step: "ask" });
  } catch (error) {
    if (!isHalt(error)) throw error;
    throw new AfkError(error.code, error.message, { cause: error, exitCode: EXIT.locked });
  }
}

async function standardInput(): Promise<string> {
  if (process.stdin.isTTY) return "";
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > INPUT_BYTES_MAX)
      throw new UsageError(`Standard input has more than ${INPUT_BYTES_MAX} bytes, which no model takes.`);
  }
  return Buffer.concat(chunks).toString("utf8");
}
