import { parseListen } from "../../config/gateway-schema.ts";
import { NoAgent } from "../../config/locations.ts";
import { allKinds } from "../../jobs/kinds.ts";
import { systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import { type Health, healthOf, readCondition, unreadableHealth } from "../../ops/condition/condition.ts";
import { verdictLine } from "../../ops/condition/finding.ts";
import { gatewayUrl, unansweredAt } from "../../ops/gateway-answers.ts";
import { inspectState } from "../../ops/inspect-state.ts";
import { readConfig } from "../../ops/read-config.ts";
import { observe } from "../../ops/worker.ts";
import { defineCommand, exitCode, type GlobalValues, type Result, UsageError } from "../command.ts";
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
    const health = await readHealth(args).catch((error: unknown) => {
      if (error instanceof NoAgent) throw error;
      return unreadableHealth(messageOf(error));
    });
    const { isHealthy, verdict, problems, findings } = health;
    const isWell = verdict === "well" || verdict === "new";
    const summary = findings.length === 0 ? [] : [verdictLine({ verdict, findings })];
    const text = isWell ? ["fit to work"] : [...summary, ...problems].map(oneLine);
    return { json: health, text, exitCode: exitCode(isHealthy) };
  },
});

async function readHealth(args: GlobalValues): Promise<Health> {
  const config = readConfig(args, () => allKinds(args));
  // Before the first statement, with which the moment that is judged begins.
  const observed = await observe(config, systemClock);
  return await inspectState(config, async (seen) =>
    healthOf(await readCondition({ ...seen, clock: systemClock }, observed)),
  );
}

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
