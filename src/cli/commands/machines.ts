import { allKinds } from "../../jobs/kinds.ts";
import { listFleet } from "../../ops/fleet.ts";
import { inspectState } from "../../ops/inspect-state.ts";
import { readConfig } from "../../ops/read-config.ts";
import { defineCommand } from "../command.ts";
import { machineLines } from "../views/machines.ts";

export default defineCommand({
  json: true,
  async run({ args }) {
    const config = readConfig(args, () => allKinds(args));
    const { database, paths } = config;
    if (database === null) {
      const why = `one machine: the state is ${paths.database}, a file that one worker holds at a time. Several machines share one in PostgreSQL: docs/fleet.md`;
      return { json: { isFleet: false, machines: [] }, text: [why] };
    }
    const { machines, nowMs } = await inspectState(config, ({ db, config: seen }) => listFleet(db, seen));
    return { json: { isFleet: true, machines }, text: machineLines(machines, nowMs) };
  },
});
