import { formatDuration } from "../../lib/duration-text.ts";
import { type Holder, lockHolder } from "../../store/lock-holder.ts";
import { checkHealth } from "../health.ts";
import { bad, type Examination, ok, type WithStore } from "./check.ts";

/**
 * A lock is never stale, since the system drops it with its process; but a process can hold it and do nothing. Looks without
 * taking the lock.
 */
export const lock: Examination<WithStore> = {
  group: "state",
  name: "lock",
  look: async ({ config, store, clock }) => {
    const holder = lockHolder(config.paths.lock);
    if (holder === null) return [ok("lock", "nobody is at work")];
    const who = holder.pid === null ? "an afk process" : `process ${holder.pid}`;
    if (holder.isSuspended)
      return [
        bad("lock", `${who} holds the lock and is suspended`, `${wake(holder)}, or end it: ${end(holder)}`),
      ];
    const { problems } = await checkHealth(config, store.db, clock);
    // A tick that failed is no sign of hanging: the process goes on.
    const stuck = problems.filter((problem) => !problem.startsWith("the last tick failed"));
    if (stuck.length === 0) return [ok("lock", `${who} is at work now`)];
    const grace = `longer than ${formatDuration(config.heartbeat.graceMs)} late`;
    return [
      bad("lock", `${who} holds the lock and does not move (${grace}): ${stuck.join("; ")}`, end(holder)),
    ];
  },
};

function wake({ pid }: Holder): string {
  return pid === null ? "let it go on" : `kill -CONT ${pid}`;
}

function end({ pid }: Holder): string {
  return pid === null
    ? "end it: docker rm -f afk, or systemctl restart afk"
    : `kill ${pid}; if that does not help: kill -KILL ${pid}`;
}
