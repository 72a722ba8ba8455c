import { driftCheck } from "../../evidence/release/drift.ts";
import { allKinds } from "../../jobs/kinds.ts";
import { diagnoseState } from "../../ops/doctor.ts";
import { articleHosts } from "../../runner/job/article-hosts.ts";
import { jobChecks } from "../../runner/job/checks.ts";
import { phoneChecks } from "../../runner/remote/check.ts";
import { defineCommand, exitCode } from "../command.ts";
import { terminalColumns } from "../output.ts";
import { doctorView } from "../views/doctor.ts";

export default defineCommand({
  json: true,
  args: { offline: { type: "boolean", description: "Leaves out the checks that use the network" } },
  async run({ args }) {
    const { config, state, offline: isOffline } = args;
    const checks = await diagnoseState(
      { config, state, kinds: () => allKinds(args) },
      {
        isOffline,
        more: [
          ["configuration", "drift", driftCheck],
          ["jobs", "articles", articleHosts],
        ],
        moreOfConfig: (found) => [...jobChecks(found), ...phoneChecks(found)],
      },
    );
    const isWell = checks.every((check) => check.result !== "bad");
    const text = doctorView(checks, terminalColumns());
    return { json: { ok: isWell, checks }, text, exitCode: exitCode(isWell) };
  },
});
