import { stopAgent } from "../../agent.ts";
import { EXIT } from "../../lib/errors.ts";
import type { StopReport, WorkerEnd } from "../../ops/stop-agent.ts";
import { defineCommand } from "../command.ts";
import { oneLine } from "../output.ts";
import { reachedLines } from "../views/reached.ts";

export default defineCommand({
  json: true,
  args: {
    reason: {
      type: "string",
      valueHint: "TEXT",
      default: "afk stop",
      description: "Kept, and shown in status and alert",
    },
  },
  async run({ args }) {
    const stopped = await stopAgent({ config: args.config, state: args.state }, args.reason);
    const { agent, state, worker, gateway } = stopped;
    const text = [
      `${stopped.wasSet ? "stopped already" : "stopped"} (${stopped.by}): ${oneLine(stopped.detail)}`,
      oneLine(`agent ${agent ?? "of unknown name"}, state ${state}`),
      workerLine(stopped),
      ...(gateway === null ? [] : [gatewayLine(gateway, worker)]),
      ...reachedLines(stopped),
      stopped.isHereAlone
        ? "Here no model is called until: afk resume"
        : "No model is called until: afk resume",
    ];
    return { json: stopped, text, exitCode: exitCodeOf(stopped) };
  },
});

function exitCodeOf({ worker, machines, isHereAlone }: StopReport): number {
  if (isHereAlone) return EXIT.unavailable;
  // Nobody was asked: in the worker's own container this process ends with it; elsewhere the database went away.
  const isSeen =
    machines === null
      ? worker.isGone === null
      : (machines ?? []).every(({ state }) => state === "seen" || state === "ended");
  return worker.isGone === false || !isSeen ? EXIT.locked : EXIT.ok;
}

function workerLine({ worker, gateway }: StopReport): string {
  const { wasAtWork, pid, isSuspended, isGone, waitedMs } = worker;
  const isServing = pid !== null && gateway?.pid === pid;
  if (wasAtWork === null) return "whether a worker is at work cannot be told";
  if (!wasAtWork) return "no worker was at work";
  const who = pid === null ? "its worker" : `its worker (process ${pid})`;
  if (isGone === null) return `${who} ends now, and this container with it`;
  if (isGone) return isServing ? `${who} has let go of its work` : `${who} is gone`;
  const end = pid === null ? "docker rm -f afk, or systemctl stop afk" : `kill -KILL ${pid}`;
  if (isSuspended)
    return `${who} is STILL THERE, suspended: it calls no model when it goes on, and ends; to end it now: ${end}`;
  return `${who} is STILL THERE after ${Math.round(waitedMs / 1_000)} s: it kills itself within half a minute; to end it now: ${end}`;
}

/** Told from what its lock says: whatever it does, the gates let no call of it through. */
function gatewayLine({ pid, isSuspended }: NonNullable<StopReport["gateway"]>, worker: WorkerEnd): string {
  const process = pid === null ? "" : ` (process ${pid})`;
  const who = `its gateway${process === "" || pid !== worker.pid ? process : `, the same process ${pid},`}`;
  if (isSuspended)
    return `${who} is suspended: it answers nothing now, and refuses every request when it goes on`;
  return `${who} stays up and refuses every request, with the reason; what was under way is ended`;
}
