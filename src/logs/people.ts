import { dayIn } from "../lib/days.ts";
import { formatDuration } from "../lib/duration-text.ts";
import { withLocalTimes } from "../lib/local-time.ts";
import { formatUsd, MICROS_PER_USD } from "../lib/money.ts";
import { endOfError, plural } from "../lib/text.ts";
import { withoutHidden } from "../lib/visible.ts";
import { timeText } from "../lib/zone.ts";
import { type LogLine, parseLine } from "./line.ts";

/** A sink for createLog that writes each line as a person at a terminal reads it. */
export function peopleSink(
  write: (line: string) => void,
  options: HumanLineOptions = {},
): (raw: string) => void {
  return (raw) => {
    const line = parseLine(raw);
    if (line !== null) write(humanLine(line, options));
  };
}

/** How a line is shown. */
interface HumanLineOptions {
  colour?: boolean;
  /** Whose wall clock the time is shown in, with the day; this machine's time of day alone unless stated. */
  timezone?: string;
}

/** `! 08:15:02 cap reached  window day, pct 100 %`. Colour only when told. */
export function humanLine(line: LogLine, { colour = false, timezone }: HumanLineOptions = {}): string {
  const [symbol, code] = SYMBOLS[line.level] ?? [" ", ""];
  const zone = timezone ?? systemTimezone();
  const { words, details } = describeLine(line, zone);
  const at = Date.parse(line.ts);
  const time = timezone === undefined ? timeText(at, zone) : stampText(at, timezone);
  return `${colour ? `\u001b[${code}m${symbol}\u001b[0m` : symbol} ${time} ${words}${details === "" ? "" : `  ${details}`}`;
}

/**
 * What a line says: the event in words, and the two or three fields that matter, with its instants as people of the time zone say
 * them, where one is given. Nothing in it can steer a terminal.
 */
export function describeLine(line: LogLine, timezone?: string): { words: string; details: string } {
  const known = Object.hasOwn(KNOWN, line.event) ? KNOWN[line.event] : undefined;
  // A line that tells of an alert brings its own words.
  const isAlert = typeof line.title === "string";
  const words = isAlert ? short(line.title) : (known?.words ?? short(line.event.replaceAll("_", " ")));
  const shown = isAlert ? [short(line.message ?? "")] : fieldsShown(line, known?.fields);
  const details = shown.join(", ");
  return { words, details: timezone === undefined ? details : withLocalTimes(details, timezone) };
}

/** The events that have words of their own here; alerts bring theirs. */
export function eventsInWords(): string[] {
  return Object.keys(KNOWN);
}

/** The symbol of a level and its colour code (ECMA-48: grey, cyan, yellow, red). */
const SYMBOLS: Record<string, [symbol: string, code: string]> = {
  debug: ["·", "90"],
  info: ["i", "36"],
  warn: ["!", "33"],
  error: ["x", "31"],
};

/** Words for an event and the fields that are looked for, the most telling first. At most three are shown. */
const KNOWN: Record<string, { words: string; fields: string[] }> = {
  tick_started: { words: "tick started", fields: ["tick", "byHand"] },
  tick_finished: { words: "tick finished", fields: ["outcome", "reason", "units", "costMicros"] },
  job_started: { words: "job started", fields: ["name", "attempt"] },
  job_done: { words: "job done", fields: ["name", "summary", "units"] },
  job_failed: { words: "job failed", fields: ["name", "error", "retryInMs", "attempt"] },
  job_dead: { words: "job gave up for good", fields: ["name", "error", "attempts"] },
  call_done: { words: "model answered", fields: ["model", "costMicros", "durationMs"] },
  call_failed: { words: "model call failed", fields: ["model", "error", "state"] },
  cap_hit: { words: "cap reached; no call was made", fields: ["window", "period", "pct"] },
  threshold_cross: { words: "spend passed a threshold", fields: ["window", "pct", "capUsd"] },
  breaker_open: { words: "breaker opened", fields: ["name", "reason", "until"] },
  breaker_closed: { words: "breaker closed", fields: ["name"] },
  model_refuses: { words: "a model refuses every call", fields: ["message"] },
  kill_seen: { words: "kill switch seen; stopping", fields: ["by", "reason"] },
  item_rated: { words: "item rated", fields: ["source", "vote"] },
  answer_refused: { words: "a model's answer refused", fields: ["model", "reason"] },
  summary_refused: { words: "summary refused; sentences of the text stand in", fields: ["model", "reason"] },
  source_failed: { words: "source failed; the rest goes on", fields: ["source", "error"] },
  fallback_used: { words: "a fallback model answered", fields: ["model", "because"] },
  tick_missed: { words: "planned times were missed", fields: ["job"] },
  recovered: { words: "picked up what an earlier process left", fields: ["jobs", "calls"] },
  exec_started: { words: "command started", fields: ["containment", "network", "refusal"] },
  processes_ended: { words: "killed what an earlier run had left", fields: ["name", "found", "left"] },
  exec_ended: { words: "command ended", fields: ["end", "code", "durationMs"] },
  key_made: { words: "a key was made", fields: ["client", "hint"] },
  key_revoked: { words: "keys were revoked", fields: ["client", "hints"] },
  client_refused: { words: "a request to the gateway was refused", fields: ["client", "reason", "earlier"] },
  replayed: { words: "an answer was given again", fields: ["entry"] },
  retry_joined: { words: "a client's retry was given the same answer", fields: ["client"] },
  network_refused: { words: "command asked for a host that it may not reach", fields: ["host"] },
  network_used: { words: "command used the proxy", fields: ["requests", "bytesReceived"] },
  gateway_unused: { words: "command asked its gateway nothing", fields: ["name"] },
  gateway_failed: { words: "gateway not closed, or its folder not removed", fields: ["error"] },
  approval_given: { words: "a question was answered", fields: ["answer", "subject", "by"] },
  job_paused: { words: "job paused", fields: ["name", "by", "reason"] },
  job_unpaused: { words: "job unpaused", fields: ["name"] },
  paused_job_run: { words: "a paused job is run by hand", fields: ["name"] },
  kill_cleared: { words: "kill switch cleared", fields: ["by", "reason"] },
  wedged: { words: "the process hung and was killed", fields: ["reason", "pid"] },
  guard_lost: { words: "the guard against hanging ended", fields: ["error"] },
  source_recovered: { words: "source is back", fields: ["source"] },
  page_fetched: { words: "page fetched", fields: ["url", "status", "bytes"] },
  request_sent: { words: "request sent", fields: ["method", "host", "status"] },
  call_reconciled: { words: "a person said what a call cost", fields: ["entry", "costMicros"] },
  draft_done: { words: "draft done", fields: ["draft", "summary"] },
  draft_failed: { words: "draft not done", fields: ["draft", "state", "summary"] },
  draft_rejected: { words: "draft rejected", fields: ["draft"] },
  alert_file_failed: { words: "out/ALERT.txt could not be written", fields: ["error"] },
  drill_done: { words: "drill done", fields: ["name", "passed", "file"] },
  clock_started: { words: "the clock of unattended days runs", fields: ["dayZero"] },
  clock_stopped: { words: "the clock of unattended days was stopped", fields: ["days"] },
  clock_day: { words: "a day is over", fields: ["day", "count", "note"] },
  machine_joined: { words: "works as a machine of the fleet", fields: ["machine"] },
  machine_waits: { words: "waits until the machine's lease is over", fields: ["until"] },
  machine_unrenewed: { words: "lease not renewed; tried again", fields: ["error"] },
  machine_put_out: { words: "lease over; the process ends", fields: ["error"] },
  machine_ended: { words: "ended in order as a machine", fields: ["machine"] },
  config_changed: { words: "configuration changed", fields: ["changes"] },
  release_made: { words: "released", fields: ["configHash", "reason"] },
  records_failed: { words: "the records in runs/ could not be written", fields: ["error"] },
  history_removed: { words: "old history removed", fields: ["jobs", "ledger", "ticks"] },
  backup_made: { words: "backup made", fields: ["file", "bytes"] },
  run_started: { words: "afk run began", fields: [] },
  run_ended: { words: "afk run ended", fields: [] },
  state_replaced: { words: "files of the state were replaced; this worker ends", fields: ["error"] },
  state_replaced_untold: { words: "nobody could be told that the state was replaced", fields: ["error"] },
  state_adopted: { words: "state adopted", fields: ["from", "to"] },
  state_restored: { words: "state restored", fields: ["file"] },
  dashboard_started: { words: "page served", fields: ["url"] },
  dashboard_unavailable: { words: "page not served; the work goes on", fields: ["error"] },
  dashboard_error: { words: "a request of the page failed", fields: ["error"] },
  remote_failed: { words: "the phone cannot be read; tried again", fields: ["channel", "error"] },
  remote_back: { words: "the phone is read again", fields: ["channel"] },
  remote_elsewhere: { words: "another process reads the phone; waiting for its end", fields: ["pid"] },
  remote_too_old: { words: "a message from the phone was too old", fields: ["channel", "ageMs"] },
  remote_unanswered: { words: "an answer to the phone did not get out", fields: ["error"] },
  remote_unasked: { words: "a question did not get out", fields: ["question", "error"] },
  remote_refused: { words: "a message from the phone was refused", fields: ["message"] },
  gateway_started: { words: "gateway served", fields: ["url"] },
  gateway_resumed: { words: "the kill switch is clear; clients are served again", fields: [] },
  gateway_ended: { words: "gateway ended", fields: [] },
  gateway_elsewhere: { words: "the gateway is another process; the work goes on", fields: ["message"] },
  gateway_unavailable: { words: "gateway not served; the work goes on", fields: ["error"] },
  gateway_error: { words: "something of the gateway failed", fields: ["error"] },
  log_sink_failed: { words: "the log's listener failed", fields: ["error"] },
  delivered: { words: "result delivered", fields: ["name", "receiver"] },
  delivery_delayed: { words: "result not delivered yet", fields: ["name", "receiver", "error"] },
  delivery_dropped: { words: "result given up: its receiver is gone", fields: ["name", "receiver"] },
  alert_sent: { words: "alert sent", fields: ["alert", "channel"] },
  ping_failed: { words: "ping not taken", fields: ["style", "error"] },
  alert_delayed: { words: "alert not sent yet", fields: ["alert", "channel", "error"] },
  alert_failed: { words: "alert given up", fields: ["alert", "channel", "error"] },
  log_dropped: { words: "log lines were lost", fields: ["lines", "error"] },
};

/** Fields whose value says by itself what it is. */
const UNLABELLED = new Set([
  "error",
  "summary",
  "reason",
  "name",
  "model",
  "source",
  "outcome",
  "alert",
  "because",
]);

const FIELDS_MAX = 3;
const VALUE_LENGTH_MAX = 300;

/** An event without a list of its own shows its first fields that are no ids of the trace. */
function fieldsShown(line: LogLine, wanted: string[] | undefined): string[] {
  const names = wanted ?? Object.keys(line).filter((name) => !TRACE.has(name));
  return names
    .filter((name) => line[name] !== undefined && line[name] !== null && !(name === "byHand" && !line[name]))
    .slice(0, FIELDS_MAX)
    .map((name) => fieldText(name, line[name]));
}

const TRACE = new Set(["ts", "level", "event", "tick", "job", "step"]);

function fieldText(name: string, value: unknown): string {
  if (typeof value === "number") return numberText(name, value);
  if (name === "byHand") return "by hand";
  // `telegram:24ad0ac8a39e3e7b`: the rest tells addresses apart, for whoever reads the JSON.
  if (name === "channel") return `channel ${short(value).replace(/:[0-9a-f]{16}$/, "")}`;
  if (typeof value === "string" && (name === "error" || name === "reason"))
    return endOfError(short(value, Number.POSITIVE_INFINITY), VALUE_LENGTH_MAX);
  return UNLABELLED.has(name) ? short(value) : `${label(name)} ${short(value)}`;
}

function numberText(name: string, value: number): string {
  if (name.endsWith("Micros")) return formatUsd(value);
  if (name === "usd" || name.endsWith("Usd")) {
    const dollars = formatUsd(Math.round(value * MICROS_PER_USD));
    return name === "usd" ? dollars : `${label(name.slice(0, -"Usd".length))} ${dollars}`;
  }
  if (name.endsWith("Ms")) {
    const text = formatDuration(value);
    return name === "durationMs" ? text : `${label(name.slice(0, -"Ms".length))} ${text}`;
  }
  if (name === "units") return plural(value, "unit");
  return name === "pct" ? `${value} %` : `${label(name)} ${value}`;
}

/** `retryIn` as people write it: `retry in`. */
function label(name: string): string {
  return short(name).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** One line, whatever the value: an error's message, a text without line breaks or control codes, else JSON. */
function short(value: unknown, lengthMax = VALUE_LENGTH_MAX): string {
  const isError = typeof value === "object" && value !== null && "message" in value;
  const source = isError ? value.message : value;
  const text = textOf(source);
  // Control codes in a log field would move the cursor or colour the terminal of the reader.
  const line = withoutHidden(text.replace(/[\p{Cc}\s]+/gu, " ")).trim();
  return line.length > lengthMax ? `${line.slice(0, lengthMax).toWellFormed()}…` : line;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const isTexts = Array.isArray(value) && value.every((each) => typeof each === "string");
  return isTexts ? value.join("; ") : JSON.stringify(value);
}

function stampText(ms: number, timezone: string): string {
  return `${dayIn(ms, timezone)} ${timeText(ms, timezone)}`;
}

function systemTimezone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
