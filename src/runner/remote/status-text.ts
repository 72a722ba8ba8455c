import { formatUsd, MICROS_PER_USD } from "../../lib/money.ts";
import { momentText } from "../../lib/zone.ts";
import { sentenceOf, verdictLine } from "../../ops/condition/finding.ts";
import { grantText } from "../../ops/condition/questions.ts";
import type { Status } from "../../ops/status.ts";

/** What a phone shows of a long list. */
const FINDINGS_MAX = 5;

/** How the agent is, for a phone: what is found first, then spend, work and times, as `afk status` says them. */
export function statusText(status: Status, timezone: string): string {
  const { agent, killed, findings, spend, queue, grants, lastTick, nextDueAt } = status;
  const at = (iso: string) => momentText(Date.parse(iso), timezone);
  const left = findings.length - FINDINGS_MAX;
  const days = spend.filter(
    ({ window, scope, unit }) => window === "day" && scope === "agent" && unit === "usd",
  );
  const lines = [
    `${agent}: ${killed === null ? verdictLine(status) : `stopped since ${at(killed.at)}: ${killed.reason}`}`,
    ...findings.slice(0, FINDINGS_MAX).map((finding) => `- ${sentenceOf(finding)}`),
    ...(left > 0 ? [`- and ${left} more; look: afk status`] : []),
    ...days.map(
      ({ settled, reserved, cap }) =>
        `spent today: ${usd(settled + reserved)}${cap === null ? "" : ` of ${usd(cap)}`}`,
    ),
    ...grants.slice(0, FINDINGS_MAX).map((grant) => `granted: ${grantText(grant)}`),
    `queue: ${queue.ready} ready, ${queue.running} running, ${queue.dead} failed for good`,
    lastTick === null ? "no tick has run yet" : `last tick: ${at(lastTick.startedAt)}, ${lastTick.outcome}`,
    ...(nextDueAt === null || killed !== null ? [] : [`next: ${at(nextDueAt)}`]),
  ];
  return lines.join("\n");
}

function usd(value: number): string {
  return formatUsd(Math.round(value * MICROS_PER_USD));
}
