import { stopAgent } from "../../agent.ts";
import { EXIT } from "../../lib/errors.ts";
import type { WorkerEnd } from "../../ops/stop-agent.ts";
import { defineCommand } from "../command.ts";
import { oneLine } from "../output.ts";

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
    const { agent, state, worker } = stopped;
    const text = [
      `${stopped.wasSet ? "stopped already" : "stopped"} (${stopped.by}): ${oneLine(stopped.detail)}`,
      oneLine(`agent ${agent ?? "of unknown name"}, state ${state}`),
      workerLine(worker),
      "No model is called until: afk resume",
    ];
    return { json: stopped, text, exitCode: worker.isGone === false ? EXIT.locked : EXIT.ok };
  },
});

function workerLine({ wasAtWork, pid, isSuspended, isGone, waitedMs }: WorkerEnd): string {
  if (wasAtWork === null) return "whether a worker is at work cannot be told";
  if (!wasAtWork) return "no worker was at work";
  const who = pid === null ? "its worker" : `its worker (process ${pid})`;
  if (isGone === null) return `${who} ends now, and this container with it`;
  if (isGone) return `${who} is gone`;
  const end = pid === null ? "docker rm -f afk, or systemctl stop afk" : `kill -KILL ${pid}`;
  if (isSuspended)
    return `${who} is STILL THERE, suspended: it calls no model when it goes on, and ends; to end it now: ${end}`;
  return `${who} is STILL THERE after ${Math.round(waitedMs / 1_000)} s: it kills itself within half a minute; to end it now: ${end}`;
}
