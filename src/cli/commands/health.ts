import { NoAgent } from "../../config/no-agent.ts";
import { systemClock } from "../../lib/clock.ts";
import { EXIT, messageOf } from "../../lib/errors.ts";
import { checkHealth } from "../../ops/health.ts";
import { defineCommand } from "../command.ts";
import { withLook } from "../look.ts";
import { oneLine, printJson, printLines } from "../output.ts";

export default defineCommand({
  json: true,
  async run({ args }) {
    const health = await withLook(args, ({ config, db }) => checkHealth(config, db, systemClock)).catch(
      (error: unknown) => {
        if (error instanceof NoAgent) throw error;
        return { isHealthy: false, problems: [messageOf(error)] };
      },
    );
    if (args.json) printJson(health);
    else printLines(health.isHealthy ? ["fit to work"] : health.problems.map(oneLine));
    return health.isHealthy ? EXIT.ok : EXIT.failed;
  },
});
