import type { Agent, AgentOptions } from "../agent.ts";
import { formatUsd } from "../lib/money.ts";
import { endOfError, plural } from "../lib/text.ts";
import { peopleSink } from "../logs/people.ts";
import type { TickResult } from "../runner/tick.ts";
import { lineWriter } from "./log-output.ts";
import { isColoured, oneLine, printJson, printLines, putWorkFirst } from "./output.ts";

/**
 * How a worker command talks. At a terminal a person sees each event in words and each item as it is done; anywhere else
 * standard output carries the log as JSON lines. With `--json` the result is all that standard output carries.
 */
export function workerOutput(asJson: boolean): Pick<AgentOptions, "onLogLine" | "onProgress"> {
  putWorkFirst();
  if (asJson) return { onLogLine: lineWriter(process.stderr) };
  if (!process.stdout.isTTY) return { onLogLine: lineWriter(process.stdout) };
  return {
    onLogLine: peopleSink((line) => printLines([line]), { colour: isColoured() }),
    onProgress: ({ job, done, total, label, isOneOfSeveral }) =>
      printLines([
        `    ${isOneOfSeveral ? `${job}  ` : ""}${Math.min(done + 1, total)}/${total}  ${oneLine(label)}`,
      ]),
  };
}

/**
 * Lets SIGTERM, SIGHUP (its terminal was closed) and SIGINT stop the work the way the kill switch does; the switch itself is
 * not set. A second SIGTERM changes nothing, since several may be sent on the way down; a second Ctrl-C ends the process at once.
 */
export function stopOnSignals(agent: Agent): void {
  const stop = (signal: string) =>
    agent.rails.watch.trip({
      by: "signal",
      at: agent.rails.clock.nowMs(),
      reason: `the process was told to end (${signal})`,
    });
  process.on("SIGTERM", stop);
  process.on("SIGHUP", stop);
  process.once("SIGINT", stop);
}

/** The result of a tick: as JSON, or in a few lines at a terminal; nothing where the log is read instead. */
export function printTick(result: TickResult, asJson: boolean, more: readonly string[] = []): void {
  if (asJson) printJson(result);
  if (asJson || !process.stdout.isTTY) return;
  const cost = result.costMicros > 0 ? `, ${formatUsd(result.costMicros)}` : "";
  const reason = result.reason === null ? "" : `: ${oneLine(endOfError(result.reason))}`;
  printLines([
    `${result.outcome}${reason} (${plural(result.units, "unit")}${cost})`,
    ...result.outputs,
    ...more,
  ]);
}
