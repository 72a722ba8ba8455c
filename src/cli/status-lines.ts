import type { Status } from "../ops/status.ts";
import { formatRelative } from "./format.ts";
import { oneLine, paint } from "./output.ts";

const BAR_CELLS = 20;

/** The status as a person reads it, the worst news first. */
export function statusLines(status: Status, nowMs: number): string[] {
  const since = (iso: string) => formatRelative(Date.parse(iso), nowMs);
  return [
    `${paint("bold", status.agent)}  afk ${status.version}`,
    status.killed === null
      ? `kill      ${paint("green", "off")}`
      : `kill      ${paint("red", `STOPPED by ${status.killed.by} ${since(status.killed.at)}`)}: ${oneLine(status.killed.reason)}`,
    ...status.spend.map(spendLine),
    ...unknownLines(status),
    ...breakerLines(status, since),
    `queue     ${status.queue.ready} ready, ${status.queue.running} running, ${status.queue.done} done, ${deadCount(status)}`,
    `alerts    ${status.alerts.pending} waiting${status.alerts.failed > 0 ? paint("red", `, ${status.alerts.failed} not delivered`) : ""}`,
    ...draftLines(status),
    tickLine(status, since),
    `next      ${status.nextDueAt === null ? "nothing is scheduled" : `${status.nextDueAt} (${since(status.nextDueAt)})`}`,
  ];
}

function spendLine(window: Status["spend"][number]): string {
  const spent = window.settledUsd + window.reservedUsd;
  const name = window.window.padEnd(9);
  const reserved = window.reservedUsd > 0 ? `, of it ${usd(window.reservedUsd)} reserved` : "";
  if (window.capUsd === null) return `${name} ${usd(spent)}, no cap${reserved}`;
  const share = window.capUsd === 0 ? 1 : spent / window.capUsd;
  const colour = share >= 1 ? "red" : share >= 0.8 ? "yellow" : "green";
  return `${name} ${paint(colour, bar(share))} ${usd(spent)} of ${usd(window.capUsd)} (${window.period}${reserved})`;
}

function bar(share: number): string {
  const full = Math.min(BAR_CELLS, Math.ceil(share * BAR_CELLS));
  return "█".repeat(full) + "░".repeat(BAR_CELLS - full);
}

function unknownLines(status: Status): string[] {
  if (status.unknown.calls === 0) return [];
  const { calls, usd: amount } = status.unknown;
  return [
    `unknown   ${paint("yellow", `${calls} calls, charged at ${usd(amount)}`)}: afk ledger list --unknown`,
  ];
}

function breakerLines(status: Status, since: (iso: string) => string): string[] {
  return status.breakers
    .filter((breaker) => breaker.state !== "closed" || breaker.failures > 0)
    .map((breaker) => {
      if (breaker.until === null) return `breaker   ${breaker.name}: ${breaker.failures} failures in a row`;
      const reason = breaker.reason === null ? "" : `: ${oneLine(breaker.reason)}`;
      return `breaker   ${paint("yellow", `${breaker.name} ${breaker.state.replace("_", " ")}`)}, tried again ${since(breaker.until)}${reason}`;
    });
}

function draftLines({ drafts }: Status): string[] {
  if (drafts.pending + drafts.unknown === 0) return [];
  const pending = paint("yellow", `${drafts.pending} wait for your approval`);
  const unknown = drafts.unknown === 0 ? "" : paint("red", `, ${drafts.unknown} may have been done`);
  return [`drafts    ${pending}${unknown}: afk drafts`];
}

function deadCount(status: Status): string {
  return status.queue.dead === 0 ? "0 dead" : paint("red", `${status.queue.dead} dead (afk dead)`);
}

function tickLine(status: Status, since: (iso: string) => string): string {
  const tick = status.lastTick;
  if (tick === null) return "last tick none yet";
  const reason = tick.reason === null ? "" : `: ${oneLine(tick.reason)}`;
  return `last tick ${tick.outcome} ${since(tick.startedAt)}, ${tick.units} units, ${usd(tick.usd)}${reason}`;
}

function usd(amount: number): string {
  return `$${amount.toFixed(6).replace(/0{1,4}$/, "")}`;
}
