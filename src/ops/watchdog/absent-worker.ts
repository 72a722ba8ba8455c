import type { Selectable } from "kysely";
import { toIso } from "../../lib/clock.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { asSentence } from "../../lib/text.ts";
import { readMeta } from "../../store/meta.ts";
import type { TicksTable } from "../../store/schema.ts";
import type { HeartbeatSources, Late } from "./finding.ts";

const START = "start it again (afk run, or its unit)";

/**
 * How the worker is not there though it should be: it is suspended, it ended without a word (SIGKILL, no memory left, a
 * reboot), or it was told to end. Null when one is at work, and between the ticks of a timer.
 */
export async function absentWorker(
  { config, db, worker, nowMs }: HeartbeatSources,
  last: Selectable<TicksTable> | undefined,
): Promise<Late | null> {
  if (worker.state === "working") return null;
  if (worker.state === "suspended") {
    const problem = `the worker (process ${worker.pid}) is suspended and does nothing: kill -CONT ${worker.pid}`;
    return late("suspended", "The worker is suspended", problem, last?.id ?? "start");
  }
  const beganAt = await readMeta(db, "run_began_at");
  if (beganAt > 0 && !isNewer(beganAt, nowMs)) {
    const endedAt = await readMeta(db, "run_ended_at");
    if (endedAt === 0) {
      const lastSign = Math.max(beganAt, last?.finished_at ?? last?.started_at ?? 0);
      const problem = `the worker that began at ${toIso(beganAt)} ended without a word after ${toIso(lastSign)}: ${START}`;
      return late("gone", "The worker ended without a word", problem, `run:${beganAt}`);
    }
    const problem = `no worker is running since ${toIso(endedAt)}, when it was told to end: ${START}`;
    const told = late("ended", `No worker is running since ${toIso(endedAt)}`, problem, `run:${beganAt}`);
    return nowMs > endedAt + config.heartbeat.graceMs ? told : { ...told, finding: null };
  }
  if (last?.outcome === "running" && !isNewer(last.started_at, nowMs)) {
    const problem = `the tick that began at ${toIso(last.started_at)} has not ended: its process has died`;
    return late("died", "A tick died, and none came after it", problem, last.id);
  }
  return null;
}

/**
 * What began after the lock was asked says nothing of who held it then. Within a minute: further ahead it was written before
 * the clock was set back.
 */
function isNewer(atMs: number, askedMs: number): boolean {
  return atMs >= askedMs && atMs < askedMs + MINUTE_MS;
}

function late(how: Late["how"], title: string, problem: string, episode: string): Late {
  const sentence = asSentence(problem.charAt(0).toUpperCase() + problem.slice(1));
  return {
    how,
    problem,
    finding: {
      event: "heartbeat_late",
      title,
      message: `${sentence} No work is done, and afk did nothing but tell you. Look: afk status`,
      key: `heartbeat_late:${episode}`,
    },
  };
}
