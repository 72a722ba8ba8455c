import { NoAgent } from "../../config/locations.ts";
import { systemClock } from "../../lib/clock.ts";
import { EXIT, messageOf } from "../../lib/errors.ts";
import { healthOf, readCondition } from "../../ops/condition.ts";
import { observeWorker } from "../../ops/worker.ts";
import { defineCommand } from "../command.ts";
import { oneLine, printJson, printLines } from "../output.ts";
import { withState } from "../state.ts";

export default defineCommand({
  json: true,
  async run({ args }) {
    const health = await withState(args, async ({ config, db }) =>
      healthOf(await readCondition({ config, db }, observeWorker(config, systemClock))),
    ).catch((error: unknown) => {
      if (error instanceof NoAgent) throw error;
      return { isHealthy: false, problems: [messageOf(error)] };
    });
    if (args.json) printJson(health);
    else printLines(health.isHealthy ? ["fit to work"] : health.problems.map(oneLine));
    return health.isHealthy ? EXIT.ok : EXIT.failed;
  },
});
