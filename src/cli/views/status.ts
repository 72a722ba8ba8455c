import { formatDuration, formatRelative } from "../../lib/duration-text.ts";
import { assertNever } from "../../lib/errors.ts";
import { dollarText } from "../../lib/money.ts";
import { plural } from "../../lib/text.ts";
import { momentText } from "../../lib/zone.ts";
import { verdictLine } from "../../ops/condition/finding.ts";
import type { Status, TickStatus } from "../../ops/status.ts";
import { oneLine, paint, type Style } from "../output.ts";
import { clip, hang } from "../text.ts";
import { answerRows } from "./answers.ts";
import { breakerRows } from "./breakers.ts";
import { gatewayRows } from "./gateway.ts";
import { machineRows } from "./machines.ts";
import { pausedRows } from "./paused.ts";
import { remoteRows } from "./remote.ts";
import { spendLines } from "./spend.ts";

/** Where the values begin; labels stand before them. */
const LABEL_COLUMNS = 11;
/** A reason can be as long as whoever wrote it liked; `afk logs` has the whole. */
const LINES_MAX = 3;

/** For whom the status is laid out. */
interface StatusViewOptions {
  nowMs: number;
  /** The agent's time zone, in which instants are shown. */
  timezone: string;
  /** Of the terminal; null is no terminal, where nothing is wrapped. */
  columns: number | null;
  /** Where the whole has to fit into so many lines, long ones are cut shorter until it does; null is any number. */
  rows: number | null;
}

/** The status as a person reads it on one screen: what needs them first, then part by part. */
export function statusView(status: Status, options: StatusViewOptions): string[] {
  let lines: string[] = [];
  for (let linesMax = LINES_MAX; linesMax > 0; linesMax--) {
    lines = layOut(status, options, linesMax);
    if (options.rows === null || lines.length <= options.rows) break;
  }
  return lines;
}

/** A label, which is empty for a line that goes on with the one above, and what stands behind it. */
type Row = readonly [label: string, text: string];

function layOut(status: Status, options: StatusViewOptions, linesMax: number): string[] {
  const columns = options.columns ?? Number.POSITIVE_INFINITY;
  const { nowMs } = options;
  const rows: Row[] = [
    ["kill", killed(status, nowMs)],
    ...spendLines(status.spend, options.columns, LABEL_COLUMNS).map(({ label, text }): Row => [label, text]),
    ...unknown(status),
    ...breakerRows(status, options),
    ...machineRows(status.machines),
    ...gatewayRows(status, nowMs),
    ...remoteRows(status.remote, nowMs),
    ["queue", queue(status)],
    ...pausedRows(status.paused, nowMs),
    ...waiting(status, options),
    ...refusals(status, nowMs),
    ["alerts", alerts(status)],
    ...deliveries(status),
    ["drafts", drafts(status)],
    ...answerRows(status),
    ...sources(status),
    ["ticks", tickStrip(status.ticks, columns - LABEL_COLUMNS)],
    ["last tick", lastTick(status, nowMs)],
    ["heartbeat", heartbeat(status, nowMs)],
    ["next", next(status, options)],
    ["clock", clock(status)],
  ];
  return [
    header(status, options, columns),
    ...verdictLines(status, columns, linesMax),
    "",
    ...rows.flatMap(([label, text]) =>
      hang(paint("dim", label.padEnd(LABEL_COLUMNS)), text, columns, linesMax),
    ),
  ];
}

/** Answers "do I have to do something?". */
function verdictLines(status: Status, columns: number, linesMax: number): string[] {
  const text = verdictLine(status);
  switch (status.verdict) {
    case "well":
      return [green(`= ${text}`)];
    case "new":
      return [`= ${text}`];
    case "limited":
      return hang(yellow("~ "), yellow(text), columns, linesMax);
    case "stopped":
    case "unwell":
    case "needs_person":
      return hang(red("! "), red(text), columns, linesMax);
    default:
      return assertNever(status.verdict);
  }
}

/** Agent and version to the left, the present moment to the right, where it has room. */
function header({ agent, version }: Status, { nowMs, timezone }: StatusViewOptions, columns: number): string {
  const left = `${paint("bold", agent)}  afk ${version}`;
  const right = `${momentText(nowMs, timezone)} ${timezone}`;
  const width = `${agent}  afk ${version}`.length;
  const gap = Number.isFinite(columns) ? columns - width - right.length : 2;
  return gap < 2 ? clip(left, columns) : `${left}${" ".repeat(gap)}${paint("dim", right)}`;
}

function killed({ killed: kill }: Status, nowMs: number): string {
  if (kill === null) return green("off");
  const by = kill.by === "file" ? "the STOP file" : kill.by === "row" ? "afk stop" : kill.by;
  // What cannot be read says neither when it was set, nor lets itself be cleared.
  const at = Date.parse(kill.at);
  const when = at === 0 ? "" : ` ${formatRelative(at, nowMs)}`;
  const remedy = paint("bold", `To go on: ${kill.remedy ?? "afk resume"}`);
  return `${red(`STOPPED by ${by}${when}`)}: ${oneLine(kill.reason)}. ${remedy}`;
}

function unknown({ unknown: { calls, usd } }: Status): Row[] {
  if (calls === 0) return [];
  const amount = yellow(`${plural(calls, "call")}, charged at ${dollarText(usd)}`);
  return [["unknown", `${amount} until you say what they cost: afk ledger list --unknown`]];
}

function queue({ queue: { ready, running, done, dead } }: Status): string {
  const lost = dead === 0 ? "0 dead" : `${red(`${dead} dead`)}: afk dead`;
  return `${ready} ready, ${running} running, ${done} done, ${lost}`;
}

function waiting({ waiting: waits }: Status, { nowMs, timezone }: StatusViewOptions): Row[] {
  if (waits === null) return [];
  const { jobs, since, nextAt, reason } = waits;
  const [sinceMs, nextMs] = [Date.parse(since), Date.parse(nextAt)];
  const isLater = nextMs > nowMs;
  const again = isLater
    ? `${momentText(nextMs, timezone)} (${formatRelative(nextMs, nowMs)})`
    : "by the next tick";
  const jobsText = yellow(`${plural(jobs, "job")} for ${formatDuration(Math.max(0, nowMs - sinceMs))}`);
  return [["waiting", `${jobsText}, tried again ${again}: ${oneLine(reason)}`]];
}

function refusals({ refusals: list }: Status, nowMs: number): Row[] {
  return list.map(({ model, at, reason }, i) => [
    i === 0 ? "refusals" : "",
    `${model} ${red("refuses every call")}, last ${formatRelative(Date.parse(at), nowMs)}: ${oneLine(reason)}`,
  ]);
}

function alerts({ alerts: { pending, failed } }: Status): string {
  const wait = pending === 0 ? "none waiting" : `${pending} waiting to be sent`;
  return failed === 0 ? wait : `${wait}, ${red(`${failed} not delivered`)}: afk logs --event alert_failed`;
}

function deliveries({ deliveries: { pending, dead } }: Status): Row[] {
  if (pending + dead === 0) return [];
  const wait = pending === 0 ? "none waiting" : `${pending} waiting to be sent`;
  return [["results", dead === 0 ? wait : `${wait}, ${red(`${dead} not delivered`)}`]];
}

function drafts({ drafts: { pending, unknown: lost } }: Status): string {
  if (pending + lost === 0) return "none waiting";
  const parts = [
    ...(pending === 0 ? [] : [yellow(`${plural(pending, "waits", "wait")} for your approval`)]),
    ...(lost === 0 ? [] : [red(`${lost} may have been done`)]),
  ];
  return `${parts.join(", ")}: afk drafts`;
}

function sources({ sources: { failing } }: Status): Row[] {
  if (failing === 0) return [];
  const text = yellow(failing === 1 ? "1 fails" : `${failing} fail`);
  return [["sources", `${text}; the rest goes on: afk logs --event source_failed`]];
}

/** Each outcome has a shape of its own, so that the strip reads without colour. */
const SYMBOLS: Record<TickStatus["outcome"], { symbol: string; style: Style }> = {
  ok: { symbol: "●", style: "green" },
  idle: { symbol: "·", style: "dim" },
  halted: { symbol: "■", style: "yellow" },
  failed: { symbol: "✗", style: "red" },
  crashed: { symbol: "!", style: "red" },
  running: { symbol: "▸", style: "cyan" },
};

const STRIP_MAX = 40;

/** The latest ticks as a strip, the newest to the right, with how many there were of each kind. */
function tickStrip(ticks: readonly TickStatus[], columns: number): string {
  if (ticks.length === 0) return "none yet";
  const shown = ticks.slice(-Math.min(STRIP_MAX, columns));
  const strip = shown.map(({ outcome }) => paint(SYMBOLS[outcome].style, SYMBOLS[outcome].symbol));
  const kinds = Map.groupBy(shown, ({ outcome }) => outcome);
  const legend = [...kinds].map(([outcome, those]) => {
    const { symbol, style } = SYMBOLS[outcome];
    return `  ${paint(style, symbol)} ${those.length} ${outcome}`;
  });
  return [...strip, ...legend].join("");
}

function lastTick({ lastTick: tick }: Status, nowMs: number): string {
  if (tick === null) return "none yet: afk tick";
  const began = Date.parse(tick.startedAt);
  const took =
    tick.finishedAt === null ? "" : `, took ${formatDuration(Date.parse(tick.finishedAt) - began)}`;
  const isBad = tick.outcome === "failed" || tick.outcome === "crashed";
  const outcome = isBad ? red(tick.outcome) : tick.outcome;
  const reason = tick.reason === null ? "" : `: ${oneLine(tick.reason)}`;
  const figures = `${plural(tick.units, "unit")}, ${dollarText(tick.usd)}`;
  return `${outcome} ${formatRelative(began, nowMs)}, ${figures}${took}${reason}`;
}

function heartbeat({ heartbeat: { at, how, problem }, worker }: Status, nowMs: number): string {
  if (how === "suspended" || how === "gone" || how === "ended") return red(oneLine(problem ?? how));
  if (at === null) return how === null ? "none yet" : `${red("NEVER")}; is the timer running? afk doctor`;
  const age = formatRelative(Date.parse(at), nowMs);
  switch (how) {
    case null:
      if (worker.state === "none") return age;
      return `${age}, ${worker.pid === null ? "a process" : `process ${worker.pid}`} is at work`;
    case "hanging":
      return `${red(`LATE: a tick hangs, begun ${age}`)}; afk logs --tick last`;
    case "died":
      return `${red(`a tick died, begun ${age}`)}, and none came after it; afk doctor`;
    case "never":
    case "overdue":
      return `${red(`LATE: last one ${age}`)}; is the timer running? afk doctor`;
    default:
      return assertNever(how);
  }
}

function next({ nextDueAt, lastTick: tick }: Status, { nowMs, timezone }: StatusViewOptions): string {
  if (nextDueAt === null) return tick === null ? "with the first tick" : "nothing is scheduled";
  const at = Date.parse(nextDueAt);
  const relative = at > nowMs ? formatRelative(at, nowMs) : `due since ${formatDuration(nowMs - at)}`;
  return `${momentText(at, timezone)} (${relative})`;
}

function clock({ clock: running }: Status): string {
  if (running === null) return "not started";
  return `${plural(running.days, "unattended day")} in a row; Day 0 was ${running.dayZero}`;
}

const red = (text: string) => paint("red", text);
const yellow = (text: string) => paint("yellow", text);
const green = (text: string) => paint("green", text);
