import { formatUsd, MICROS_PER_USD } from "../lib/money.ts";
import type { LogLine } from "./line.ts";
import { parseLine } from "./read.ts";

/** Where people's lines go: consola has it, and so has any test. */
export interface PeopleWriter {
  log(message: string): void;
}

/**
 * A sink for createLog that shows each line to a person at a terminal: a mark for the level, the local time,
 * the event in words and the two or three fields that matter.
 */
export function peopleSink(writer: PeopleWriter, options: { colour?: boolean } = {}): (line: string) => void {
  return (raw) => {
    const line = parseLine(raw);
    if (line !== null) writer.log(humanLine(line, options));
  };
}

/** `! 08:15:02 cap reached  window day, pct 100 %`. Colour only when told. */
export function humanLine(line: LogLine, { colour = false }: { colour?: boolean } = {}): string {
  const [mark, code] = MARKS[line.level] ?? [" ", ""];
  const known = Object.hasOwn(KNOWN, line.event) ? KNOWN[line.event] : undefined;
  // A line that tells of an alert brings its own words.
  const isAlert = typeof line.title === "string";
  const words = isAlert ? short(line.title) : (known?.words ?? short(line.event.replaceAll("_", " ")));
  const shown = isAlert ? [short(line.message ?? "")] : fieldsShown(line, known?.fields);
  const time = localTime(new Date(line.ts));
  const details = shown.join(", ") === "" ? "" : `  ${shown.join(", ")}`;
  return `${colour ? `\u001b[${code}m${mark}\u001b[0m` : mark} ${time} ${words}${details}`;
}

/** The mark of a level and its colour code (ECMA-48: grey, cyan, yellow, red). */
const MARKS: Record<string, [mark: string, code: string]> = {
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
  call_done: { words: "model answered", fields: ["model", "costMicros", "outputTokens"] },
  call_failed: { words: "model call failed", fields: ["model", "error", "state"] },
  cap_hit: { words: "cap reached; no call was made", fields: ["window", "period", "pct"] },
  threshold_cross: { words: "spend passed a threshold", fields: ["window", "pct", "capUsd"] },
  breaker_open: { words: "breaker opened", fields: ["name", "reason", "until"] },
  breaker_closed: { words: "breaker closed", fields: ["name"] },
  kill_seen: { words: "kill switch seen; stopping", fields: ["by", "reason"] },
  source_failed: { words: "source failed; the rest goes on", fields: ["source", "error"] },
  fallback_used: { words: "a fallback model answered", fields: ["model", "because"] },
  alert_sent: { words: "alert sent", fields: ["alert", "channel"] },
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
    .filter((name) => line[name] !== undefined && line[name] !== null)
    .slice(0, FIELDS_MAX)
    .map((name) => fieldText(name, line[name]));
}

const TRACE = new Set(["ts", "level", "event", "tick", "job", "step"]);

function fieldText(name: string, value: unknown): string {
  if (typeof value === "number") return numberText(name, value);
  return UNLABELLED.has(name) ? short(value) : `${name} ${short(value)}`;
}

function numberText(name: string, value: number): string {
  if (name.endsWith("Micros")) return formatUsd(value);
  if (name === "usd" || name.endsWith("Usd")) {
    const dollars = formatUsd(Math.round(value * MICROS_PER_USD));
    return name === "usd" ? dollars : `${name.slice(0, -"Usd".length)} ${dollars}`;
  }
  if (name.endsWith("Ms")) {
    const seconds = `${(value / 1000).toFixed(1)} s`;
    return name === "durationMs" ? seconds : `${name.slice(0, -"Ms".length)} ${seconds}`;
  }
  return name === "pct" ? `${value} %` : `${name} ${value}`;
}

/** One line, whatever the value: an error's message, a text without line breaks or control codes, else JSON. */
function short(value: unknown): string {
  const isError = typeof value === "object" && value !== null && "message" in value;
  const source = isError ? value.message : value;
  const text = typeof source === "string" ? source : JSON.stringify(source);
  // Control codes in a log field would move the cursor or colour the terminal of whoever reads it.
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length > VALUE_LENGTH_MAX ? `${line.slice(0, VALUE_LENGTH_MAX).toWellFormed()}…` : line;
}

function localTime(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}
