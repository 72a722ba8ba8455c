import { systemClock } from "../../lib/clock.ts";
import { thisHost } from "../../ops/doctor/host.ts";
import { timer as timerOf } from "../../ops/doctor/machine.ts";
import { observeFleet } from "../../ops/fleet.ts";
import { observe, type Worker } from "../../ops/worker.ts";
import { resume } from "../../rails/resume.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  isForPeople: true,
  json: true,
  args: {
    clock: {
      type: "boolean",
      description: "Takes the wall clock for right even where it is behind an earlier reading",
    },
  },
  async run({ args }) {
    const { kill, breakers, confirmed, stopFile, worker } = await withAgent(args, async (agent) => {
      const resumed = await resume(agent.rails, { isBackToo: args.clock });
      const cleared = resumed.kill;
      if (cleared !== null)
        agent.log.event("warn", "kill_cleared", { by: cleared.by, reason: cleared.reason });
      const outside = await observe(agent.config, systemClock);
      const { worker } = await observeFleet(agent.store.db, agent.config, outside);
      return { ...resumed, stopFile: agent.rails.stopFile, worker };
    });
    const lines = [
      ...(kill === null
        ? []
        : [`cleared (${kill.by}): ${oneLine(kill.by === "file" ? `removed ${stopFile}` : kill.reason)}`]),
      // What stopped the agent has been said.
      ...confirmed.filter((each) => each !== kill?.reason).map((each) => `confirmed: ${oneLine(each)}`),
      ...breakers.map((name) => `cleared: ${oneLine(name)} is called again`),
    ];
    const next = await nextText(worker);
    return {
      json: {
        cleared: kill,
        ...(breakers.length > 0 && { breakers }),
        ...(confirmed.length > 0 && { confirmed }),
      },
      text: [...(lines.length === 0 ? ["nothing was set"] : lines), ...next],
    };
  },
});

/** Who goes on with the work, or that nobody does. */
async function nextText(worker: Worker): Promise<string[]> {
  if (worker.state === "suspended")
    return [`process ${worker.pid} holds the lock and is suspended: kill -CONT ${worker.pid}`];
  if (worker.state === "working") return ["a worker is there, and goes on"];
  const timer = [await timerOf({ host: thisHost(), clock: systemClock })].flat();
  if (timer.some(({ result }) => result === "ok")) return ["afk.timer is active: it starts the next tick"];
  return [
    "no loop is running, and no afk.timer is active here: afk run, or afk tick",
    "(what cron, launchd or another container starts is not seen from here)",
  ];
}
