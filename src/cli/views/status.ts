import { formatDuration, formatRelative } from "../../lib/duration-text.ts";
import { assertNever } from "../../lib/errors.ts";
import { formatUsd, MICROS_PER_USD } from "../../lib/money.ts";
import { momentText } from "../../lib/zone.ts";
import type { Status } from "../../ops/status.ts";
import { oneLine } from "../output.ts";
import { clipLine, type Line, lineWidth, span, wrapLine } from "../spans.ts";
import { needsLine } from "./needs.ts";
import { spendLines } from "./spend.ts";
import { tickMarks } from "./tick-marks.ts";

/** Where the values begin; labels stand before them. */
const LABEL_COLUMNS = 11;
/** A reason can be as long as whoever wrote it liked; `afk logs` has the whole. */
const LINES_MAX = 3;

export interface StatusViewOptions {
  nowMs: number;
  /** The agent's time zone, in which instants are shown. */
  timezone: string;
  /** Of the terminal; null is no terminal, where nothing is wrapped. */
  columns: number | null;
  /** Where the whole has to fit into so many lines, long ones are cut shorter until it does; null is any number. */
  rows: number | null;
}

/** The status as a person reads it on one screen: what needs them first, then part by part. */
export function statusView(status: Status, options: StatusViewOptions): Line[] {
  let lines: Line[] = [];
  for (let linesMax = LINES_MAX; linesMax > 0; linesMax--) {
    lines = layOut(status, options, linesMax);
    if (options.rows === null || lines.length <= options.rows) break;
  }
  return lines;
}

function layOut(status: Status, options: StatusViewOptions, linesMax: number): Line[] {
  const columns = options.columns ?? Number.POSITIVE_INFINITY;
  const { nowMs } = options;
  return [
    header(status, options, columns),
    ...wrapLine(needsLine(status, nowMs), columns, 2, linesMax),
    [],
    ...[
      row("kill", killed(status, nowMs)),
      ...spendLines(status.spend, options.columns, LABEL_COLUMNS).map(({ label, line }) => row(label, line)),
      ...unknown(status),
      ...breakers(status, options),
      row("queue", queue(status)),
      ...waiting(status, options),
      ...refusals(status, nowMs),
      row("alerts", alerts(status)),
      row("drafts", drafts(status)),
      ...sources(status),
      row("ticks", tickMarks(status.ticks, columns - LABEL_COLUMNS)),
      row("last tick", lastTick(status, nowMs)),
      row("heartbeat", heartbeat(status, nowMs)),
      row("next", next(status, options)),
      row("clock", clock(status)),
    ].flatMap((line) => wrapLine(line, columns, LABEL_COLUMNS, linesMax)),
  ];
}

function row(label: string, value: Line): Line {
  return [span("dim", label.padEnd(LABEL_COLUMNS)), ...value];
}

/** Agent and version to the left, the present moment to the right, where it has room. */
function header(status: Status, { nowMs, timezone }: StatusViewOptions, columns: number): Line {
  const left = [span("bold", status.agent), `  afk ${status.version}`];
  const right = `${momentText(nowMs, timezone)} ${timezone}`;
  const gap = Number.isFinite(columns) ? columns - lineWidth(left) - right.length : 2;
  return gap < 2 ? clipLine(left, columns) : [...left, " ".repeat(gap), span("dim", right)];
}

function killed({ killed: kill }: Status, nowMs: number): Line {
  if (kill === null) return [span("green", "off")];
  const by = kill.by === "file" ? "the STOP file" : kill.by === "row" ? "afk stop" : kill.by;
  // What cannot be read says neither when it was set, nor lets itself be cleared.
  const at = Date.parse(kill.at);
  const when = at === 0 ? "" : ` ${formatRelative(at, nowMs)}`;
  return [
    span("red", `STOPPED by ${by}${when}`),
    `: ${oneLine(kill.reason)}. `,
    span("bold", `To go on: ${kill.remedy ?? "afk resume"}`),
  ];
}

function unknown({ unknown: { calls, usd } }: Status): Line[] {
  if (calls === 0) return [];
  const amount = span("yellow", `${count(calls, "call")}, charged at ${dollars(usd)}`);
  return [row("unknown", [amount, " until you say what they cost: afk ledger list --unknown"])];
}

function breakers({ breakers: list }: Status, options: StatusViewOptions): Line[] {
  const news = list.filter(({ state, failures }) => state !== "closed" || failures > 0);
  if (news.length === 0) return [row("breakers", [span("green", "all closed"), ": every call may go out"])];
  return news.map((breaker, i) => row(i === 0 ? "breakers" : "", breakerWords(breaker, options)));
}

function breakerWords(breaker: Status["breakers"][number], { nowMs, timezone }: StatusViewOptions): Line {
  const { name, state, failures, until, reason } = breaker;
  if (state === "blocked")
    return [`${name} `, span("red", "refused"), ` until you run afk resume: ${oneLine(reason ?? "")}`];
  if (state === "closed" || until === null)
    return [`${name} `, span("yellow", `closed, ${count(failures, "failure")} in a row`)];
  if (state === "half_open") return [`${name} `, span("yellow", "on trial: one call decides")];
  const at = Date.parse(until);
  const when =
    at > nowMs ? `until ${momentText(at, timezone)} (${formatRelative(at, nowMs)})` : "until its next trial";
  const because = reason === null || reason === "" ? "" : `: ${oneLine(reason)}`;
  return [`${name} `, span("red", "open, not called"), ` ${when}${because}`];
}

function queue({ queue: { ready, running, done, dead } }: Status): Line {
  const parts = `${ready} ready, ${running} running, ${done} done, `;
  return dead === 0 ? [`${parts}0 dead`] : [parts, span("red", `${dead} dead`), ": afk dead"];
}

function waiting({ waiting: waits }: Status, { nowMs, timezone }: StatusViewOptions): Line[] {
  if (waits === null) return [];
  const { jobs, since, nextAt, reason } = waits;
  const [sinceMs, nextMs] = [Date.parse(since), Date.parse(nextAt)];
  const next =
    nextMs > nowMs
      ? `${momentText(nextMs, timezone)} (${formatRelative(nextMs, nowMs)})`
      : "by the next tick";
  const words = span("yellow", `${count(jobs, "job")} for ${formatDuration(Math.max(0, nowMs - sinceMs))}`);
  return [row("waiting", [words, `, tried again ${next}: ${oneLine(reason)}`])];
}

function refusals({ refusals: list }: Status, nowMs: number): Line[] {
  return list.map(({ model, at, reason }, i) => {
    const words = [
      `${model} `,
      span("red", "refuses every call"),
      `, last ${formatRelative(Date.parse(at), nowMs)}`,
    ];
    return row(i === 0 ? "refusals" : "", [...words, `: ${oneLine(reason)}`]);
  });
}

function alerts({ alerts: { pending, failed } }: Status): Line {
  const waiting = pending === 0 ? "none waiting" : `${pending} waiting to be sent`;
  return failed === 0
    ? [waiting]
    : [`${waiting}, `, span("red", `${failed} not delivered`), ": afk logs --event alert_failed"];
}

function drafts({ drafts: { pending, unknown: lost } }: Status): Line {
  if (pending + lost === 0) return ["none waiting"];
  const waiting =
    pending === 0 ? [] : [span("yellow", `${count(pending, "waits", "wait")} for your approval`)];
  const undecided = lost === 0 ? [] : [span("red", `${lost} may have been done`)];
  return [...waiting, ...(waiting.length * undecided.length > 0 ? [", "] : []), ...undecided, ": afk drafts"];
}

function sources({ sources: { failing } }: Status): Line[] {
  if (failing === 0) return [];
  const words = span("yellow", failing === 1 ? "1 fails" : `${failing} fail`);
  return [row("sources", [words, "; the rest goes on: afk logs --event source_failed"])];
}

function lastTick({ lastTick: tick }: Status, nowMs: number): Line {
  if (tick === null) return ["none yet: afk tick"];
  const [began, ended] = [Date.parse(tick.startedAt), tick.finishedAt && Date.parse(tick.finishedAt)];
  const took = typeof ended === "number" ? `, took ${formatDuration(ended - began)}` : "";
  const isBad = tick.outcome === "failed" || tick.outcome === "crashed";
  const outcome = isBad ? span("red", tick.outcome) : tick.outcome;
  const reason = tick.reason === null ? "" : `: ${oneLine(tick.reason)}`;
  const figures = `${count(tick.units, "unit")}, ${dollars(tick.usd)}`;
  return [outcome, ` ${formatRelative(began, nowMs)}, ${figures}${took}${reason}`];
}

function heartbeat({ heartbeat: { at, how, problem }, worker }: Status, nowMs: number): Line {
  if (how === "suspended" || how === "gone" || how === "ended") return [span("red", oneLine(problem ?? how))];
  if (at === null)
    return how === null ? ["none yet"] : [span("red", "NEVER"), "; is the timer running? afk doctor"];
  const age = formatRelative(Date.parse(at), nowMs);
  switch (how) {
    case null:
      return worker.state === "none" ? [age] : [`${age}, ${who(worker.pid)} is at work`];
    case "hanging":
      return [span("red", `LATE: a tick hangs, begun ${age}`), "; afk logs --tick last"];
    case "died":
      return [span("red", `a tick died, begun ${age}`), ", and none came after it; afk doctor"];
    case "never":
    case "overdue":
      return [span("red", `LATE: last one ${age}`), "; is the timer running? afk doctor"];
    default:
      return assertNever(how);
  }
}

function who(pid: number | null): string {
  return pid === null ? "a process" : `process ${pid}`;
}

function next({ nextDueAt, lastTick: tick }: Status, { nowMs, timezone }: StatusViewOptions): Line {
  if (nextDueAt === null) return [tick === null ? "with the first tick" : "nothing is scheduled"];
  const at = Date.parse(nextDueAt);
  const relative = at > nowMs ? formatRelative(at, nowMs) : `due since ${formatDuration(nowMs - at)}`;
  return [`${momentText(at, timezone)} (${relative})`];
}

function clock({ clock: running }: Status): Line {
  if (running === null) return ["not started"];
  return [`${count(running.days, "unattended day")} in a row; Day 0 was ${running.dayZero}`];
}

function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

function dollars(usd: number): string {
  return formatUsd(Math.round(usd * MICROS_PER_USD));
}
