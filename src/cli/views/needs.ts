import { capWords } from "../../lib/windows.ts";
import type { Status, WindowStatus } from "../../ops/status.ts";
import { paint } from "../output.ts";
import { hang } from "../text.ts";

/** The lines that answer "do I have to do something?". */
export function needsLines(status: Status, nowMs: number, columns: number, linesMax: number): string[] {
  const needs = needsOf(status);
  if (status.killed !== null) needs.unshift("the kill switch is set");
  const waits = waitsOf(status, nowMs);
  if (needs.length > 0)
    return hang(paint("red", "! "), paint("red", `needs you: ${needs.join(", ")}`), columns, linesMax);
  if (waits.length > 0) {
    const text = `works with limits: ${waits.join(", ")}`;
    return hang(paint("yellow", "~ "), paint("yellow", text), columns, linesMax);
  }
  return [status.lastTick === null ? "= has not run yet" : paint("green", "= all is well")];
}

const LATE: Record<NonNullable<Status["heartbeat"]["how"]>, string> = {
  suspended: "the worker is suspended",
  gone: "the worker ended without a word",
  ended: "no worker is running",
  died: "a tick died",
  hanging: "a tick hangs",
  overdue: "no tick for too long",
  never: "no tick for too long",
};

/** What goes on until a person does something. */
function needsOf(status: Status): string[] {
  const { queue, drafts, unknown, alerts, outputs, heartbeat, lastTick, breakers, refusals } = status;
  const counted = (amount: number, one: string, many: string) =>
    amount === 0 ? [] : [`${amount} ${amount === 1 ? one : many}`];
  return [
    ...(heartbeat.how === null ? [] : [LATE[heartbeat.how]]),
    ...(lastTick?.outcome === "failed" ? ["the last tick failed"] : []),
    ...breakers.filter(({ state }) => state === "blocked").map(({ name }) => `${name} is refused`),
    ...refusals.map(({ model }) => `${model} refuses every call`),
    ...counted(queue.dead, "dead job", "dead jobs"),
    ...counted(drafts.pending, "draft to approve", "drafts to approve"),
    ...counted(drafts.unknown, "draft of unknown outcome", "drafts of unknown outcome"),
    ...counted(unknown.calls, "call of unknown cost", "calls of unknown cost"),
    ...counted(outputs.pending, "output not written", "outputs not written"),
    ...counted(alerts.failed, "alert not delivered", "alerts not delivered"),
  ];
}

/** What time will mend. */
function waitsOf({ spend, breakers, sources, waiting }: Status, nowMs: number): string[] {
  const full = spend.filter(isFull);
  const open = breakers.filter(({ state, until }) => state === "open" && Date.parse(until ?? "") > nowMs);
  return [
    ...full.map((row) => `the ${capWords(row)} is reached`),
    ...open.map(({ name }) => `${name} is not called`),
    ...(waiting === null
      ? []
      : [`${waiting.jobs} ${waiting.jobs === 1 ? "job waits" : "jobs wait"} for what is down`]),
    ...(sources.failing === 0
      ? []
      : [`${sources.failing} ${sources.failing === 1 ? "source fails" : "sources fail"}`]),
  ];
}

function isFull({ cap, settled, reserved }: WindowStatus): boolean {
  // Sums of dollars are off by less than a micro-dollar.
  return cap !== null && settled + reserved >= cap - 5e-7;
}
