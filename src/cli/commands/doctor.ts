import { diagnose } from "../../agent.ts";
import { EXIT } from "../../lib/errors.ts";
import { defineCommand } from "../command.ts";
import { printJson, printLines, terminalColumns } from "../output.ts";
import { doctorView } from "../views/doctor.ts";

export default defineCommand({
  json: true,
  args: { offline: { type: "boolean", description: "Leave out the checks that use the network" } },
  async run({ args }) {
    const checks = await diagnose({ config: args.config, state: args.state }, { isOffline: args.offline });
    const isWell = checks.every((check) => check.result !== "bad");
    if (args.json) printJson({ ok: isWell, checks });
    else printLines(doctorView(checks, terminalColumns()));
    return isWell ? EXIT.ok : EXIT.failed;
  },
});
