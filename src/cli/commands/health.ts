import { NoAgent } from "../../config/locations.ts";
import { systemClock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/errors.ts";
import { healthOf, readCondition } from "../../ops/condition.ts";
import { observeWorker } from "../../ops/worker.ts";
import { defineCommand, exitCode } from "../command.ts";
import { withState } from "../open.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  json: true,
  async run({ args }) {
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
