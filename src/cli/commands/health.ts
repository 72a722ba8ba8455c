import { parseListen } from "../../config/gateway-schema.ts";
import { NoAgent } from "../../config/locations.ts";
import { systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import { healthOf, readCondition } from "../../ops/condition.ts";
import { gatewayUrl, unansweredAt } from "../../ops/gateway-answers.ts";
import { observeWorker } from "../../ops/worker.ts";
import { defineCommand, exitCode, type Result, UsageError } from "../command.ts";
import { withState } from "../open.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  json: true,
  args: {
    gateway: {
      type: "string",
      valueHint: "ADDRESS:PORT",
      description: "Whether a gateway answers there, and nothing else; the healthcheck of its container",
    },
  },
  async run({ args }) {
    if (args.gateway !== undefined) return await gatewayHealth(args.gateway);
    const health = await withState(args, async ({ config, db }) =>
      healthOf(await readCondition({ config, db }, observeWorker(config, systemClock))),
    ).catch((error: unknown) => {
      if (error instanceof NoAgent) throw error;
      return { isHealthy: false, problems: [messageOf(error)] };
    });
    const text = health.isHealthy ? ["fit to work"] : health.problems.map(oneLine);
    return { json: health, text, exitCode: exitCode(health.isHealthy) };
  },
});

/** It answers also while the kill switch is set, and says why it refuses. */
async function gatewayHealth(address: string): Promise<Result> {
  const listen = parseListen(address);
  if (listen === null)
    throw new UsageError(`--gateway ${address}: write an address and a port, for example 127.0.0.1:4236.`);
  const url = gatewayUrl(listen);
  const problem = await unansweredAt(url);
  const problems = problem === null ? [] : [`no gateway answers at ${url} (${problem})`];
  const text = problem === null ? [`a gateway answers at ${url}`] : problems.map(oneLine);
  return { json: { isHealthy: problem === null, problems }, text, exitCode: exitCode(problem === null) };
}
