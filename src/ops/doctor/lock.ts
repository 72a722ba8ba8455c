import { formatDuration } from "../../lib/duration-text.ts";
import { checkHealth } from "../health.ts";
import { lookNow } from "../worker.ts";
import { bad, type Examination, ok, type WithStore } from "./check.ts";

/**
 * A lock is never stale, since the system drops it with its process; but a process can hold it and do nothing, and none can
 * hold it where one should. Looks without taking the lock.
 */
export const lock: Examination<WithStore> = {
  group: "state",
  name: "lock",
  look: async ({ config, store, clock }) => {
    const look = lookNow(config, clock);
    const { worker } = look;
    const { problems } = await checkHealth(config, store.db, clock, look);
    // A tick that failed is no sign of hanging: the process goes on.
    const [problem] = problems.filter((each) => !each.startsWith("the last tick failed"));
    if (worker.state === "none")
      return [
        problem === undefined
          ? ok("lock", "nobody is at work")
          : bad("lock", `nobody is at work: ${problem}`, START),
      ];
    const who = worker.pid === null ? "an afk process" : `process ${worker.pid}`;
    if (worker.state === "suspended")
      return [
        bad(
          "lock",
          problem ?? `${who} holds the lock and is suspended`,
          `kill -CONT ${worker.pid}, or end it: ${end(worker.pid)}`,
        ),
      ];
    if (problem === undefined) return [ok("lock", `${who} is at work now`)];
    const grace = `longer than ${formatDuration(config.heartbeat.graceMs)} late`;
    return [bad("lock", `${who} holds the lock and does not move (${grace}): ${problem}`, end(worker.pid))];
  },
};

const START = "afk run, or start the unit or timer that runs it";

function end(pid: number | null): string {
  return pid === null
    ? "end it: docker rm -f afk, or systemctl restart afk"
    : `kill ${pid}; if that does not help: kill -KILL ${pid}`;
}
