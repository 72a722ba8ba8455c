import { diagnose } from "../../agent.ts";
import { defineCommand, exitCode } from "../command.ts";
import { terminalColumns } from "../output.ts";
import { doctorView } from "../views/doctor.ts";

export default defineCommand({
  json: true,
  args: { offline: { type: "boolean", description: "Leaves out the checks that use the network" } },
  async run({ args }) {
    const checks = await diagnose({ config: args.config, state: args.state }, { isOffline: args.offline });
    const isWell = checks.every((check) => check.result !== "bad");
    const text = doctorView(checks, terminalColumns());
    return { json: { ok: isWell, checks }, text, exitCode: exitCode(isWell) };
  },
});
