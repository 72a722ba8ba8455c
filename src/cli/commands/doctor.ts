import { diagnose } from "../../agent.ts";
import { EXIT } from "../../lib/errors.ts";
import { defineCommand } from "../command.ts";
import { paint, printJson, printLines } from "../output.ts";

export default defineCommand({
  meta: {
    name: "doctor",
    description: "Checks configuration, state, model, disk and clock, and says how to mend each",
    examples: ["afk doctor", "afk doctor --offline"],
  },
  json: true,
  args: { offline: { type: "boolean", description: "Leave out the checks that use the network" } },
  async run({ args }) {
    const checks = await diagnose({ config: args.config, state: args.state }, { isOffline: args.offline });
    const isWell = checks.every((check) => check.result !== "bad");
    if (args.json) printJson({ ok: isWell, checks });
    else {
      const marks = { ok: paint("green", "ok  "), bad: paint("red", "BAD "), skipped: paint("dim", "skip") };
      printLines(
        checks.flatMap((check) => [
          `${marks[check.result]} ${check.name.padEnd(14)} ${check.found}`,
          ...(check.mend === null ? [] : [`     ${"".padEnd(14)} mend: ${check.mend}`]),
        ]),
      );
    }
    return isWell ? EXIT.ok : EXIT.failed;
  },
});
