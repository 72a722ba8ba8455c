import { formatRelative } from "../lib/duration-text.ts";
import { formatUsd, MICROS_PER_USD } from "../lib/money.ts";
import { capWords, ownerWords } from "../lib/windows.ts";
import type { Status, WindowStatus } from "./status.ts";

/** Something that a person should know. */
export interface Need {
  /** It goes on until a person does something; otherwise time mends it. */
  isUrgent: boolean;
  text: string;
  /** What was found, in full; null where the text says it all. */
  detail: string | null;
  /** The command that mends it or says more. */
  command: string;
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

/**
 * Everything in a status that a person should know, urgent needs first: what `afk status` and the page begin with.
 * @param undelivered how many alerts count as not delivered.
 */
export function needsOf(status: Status, nowMs: number, undelivered = status.alerts.failed): Need[] {
  const { killed, queue, drafts, unknown, outputs, heartbeat, lastTick, breakers, refusals, waiting } =
    status;
  const needs: Need[] = [];
  const urgent = (text: string, command: string, detail: string | null = null) =>
    needs.push({ isUrgent: true, text, detail, command });
  const passing = (text: string, command: string, detail: string | null = null) =>
    needs.push({ isUrgent: false, text, detail, command });
  if (killed !== null) {
    const { by, at, reason, remedy = "afk resume" } = killed;
    // What cannot be read does not say when it was set.
    const since = Date.parse(at) === 0 ? "" : `, ${formatRelative(Date.parse(at), nowMs)}`;
    urgent("the kill switch is set", remedy, `${reason} (${by}${since})`);
  }
  if (heartbeat.how !== null) urgent(LATE[heartbeat.how], "afk health", heartbeat.problem);
  if (lastTick?.outcome === "failed") urgent("the last tick failed", "afk logs --tick last", lastTick.reason);
  for (const { name, reason } of breakers.filter(({ state }) => state === "blocked"))
    urgent(`${ownerWords(name) ?? name} is refused`, "afk resume", reason);
  for (const { model, reason } of refusals) urgent(`${model} refuses every call`, "afk status", reason);
  const counts: [amount: number, one: string, many: string, command: string, detail?: string][] = [
    [queue.dead, "dead job", "dead jobs", "afk dead"],
    [drafts.pending, "draft to approve", "drafts to approve", "afk drafts"],
    [drafts.unknown, "draft of unknown outcome", "drafts of unknown outcome", "afk drafts"],
    [
      unknown.calls,
      "call of unknown cost",
      "calls of unknown cost",
      "afk ledger list --unknown",
      `charged at ${formatUsd(Math.round(unknown.usd * MICROS_PER_USD))}`,
    ],
    [outputs.pending, "output not written", "outputs not written", "afk doctor"],
    [undelivered, "alert not delivered", "alerts not delivered", "afk alert test"],
  ];
  for (const [amount, one, many, command, detail] of counts)
    if (amount > 0) urgent(`${amount} ${amount === 1 ? one : many}`, command, detail);
  for (const row of status.spend.filter(isFull)) passing(`the ${capWords(row)} is reached`, "afk ledger");
  for (const { name, state, until, reason } of breakers)
    if (state === "open" && Date.parse(until ?? "") > nowMs)
      passing(breakerWords(name), "afk status", reason);
  if (waiting !== null)
    passing(
      `${waiting.jobs} ${waiting.jobs === 1 ? "job waits" : "jobs wait"} for what is down`,
      "afk jobs",
      waiting.reason,
    );
  if (status.gateway?.state === "suspended")
    urgent("the gateway is suspended", `kill -CONT ${status.gateway.pid}`);
  const { failing } = status.sources;
  if (failing > 0)
    passing(
      `${failing} ${failing === 1 ? "source fails" : "sources fail"}`,
      "afk logs --event source_failed",
    );
  return needs;
}

function breakerWords(name: string): string {
  const owner = ownerWords(name);
  return owner === null ? `${name} is not called` : `${owner} is refused`;
}

function isFull({ cap, settled, reserved }: WindowStatus): boolean {
  // Sums of dollars are off by less than a micro-dollar.
  return cap !== null && settled + reserved >= cap - 5e-7;
}
