import { jsonOf } from "../../alerts/channels/channel.ts";
import type { HeartbeatConfig } from "../../config/config.ts";
import { exchange, failureOf, type HttpReply, type HttpRequest, refusal } from "../../http/exchange.ts";
import { pause } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { joinSignals } from "../../lib/signals.ts";

/** How a tick ended, for a service outside that knows nothing else of this machine. */
export interface TickReport {
  /** `stopped`: somebody set the kill switch; that is neither health nor an accident. */
  state: "well" | "failed" | "stopped";
  exitCode: number;
  /** One line for people. */
  summary: string;
  /** The summary and what the log says of the tick; for services that keep a text. */
  body: string;
  durationMs: number;
}

/** One ping at its start and one at its end make a tick: what ends without the second is missed by the service. */
export interface Ping {
  /** Says that a tick has begun, where the service wants to know. Does not wait. */
  start(): void;
  /**
   * Says how it ended. Waits for the answer, bounded; never throws. What went wrong with either is one line of the log.
   * @returns what went wrong, or null.
   */
  end(report: TickReport, options?: { timeoutMs?: number }): Promise<string | null>;
}

/** How long the service may take to answer. */
export const PING_TIMEOUT_MS = 5_000;
/** How much longer a start is waited for when its tick has ended already. */
const START_LEFT_MS = 1_000;
/** healthchecks.io keeps so much of a body. */
const BODY_BYTES_MAX = 100_000;
const MESSAGE_LENGTH_MAX = 200;

/** Pings `heartbeat.ping_url`; does nothing where there is none. `signal` ends it from outside. */
export function createPing(heartbeat: HeartbeatConfig, log: Log, signal: AbortSignal): Ping {
  const { pingUrl, style } = heartbeat;
  if (pingUrl === null) return { start() {}, end: async () => null };
  const { started, ended, isAccepted } = STYLES[style];
  const hurry = new AbortController();
  let beginning: Promise<string | null> = Promise.resolve(null);
  return {
    start() {
      const request = started(pingUrl);
      if (request !== null) beginning = tryPing(request, isAccepted, [signal, hurry.signal], PING_TIMEOUT_MS);
    },
    async end(report, { timeoutMs = PING_TIMEOUT_MS } = {}) {
      // In order: a start that comes after the end would look like a tick that never ended.
      const left = pause(Math.min(timeoutMs, START_LEFT_MS));
      void left.over.then(() => hurry.abort());
      const first = await beginning;
      left.end();
      const last = await tryPing(ended(pingUrl, report), isAccepted, [signal], timeoutMs);
      const error = last ?? (first === null ? null : `at its start: ${first}`);
      if (error !== null) log.event("warn", "ping_failed", { style, error });
      return error;
    },
  };
}

/** Null when the service took it. Never throws. */
async function tryPing(
  request: HttpRequest,
  isAccepted: Style["isAccepted"],
  stops: readonly AbortSignal[],
  timeoutMs: number,
): Promise<string | null> {
  using limit = joinSignals(stops, timeoutMs);
  try {
    const { reply } = await exchange(request, limit.signal);
    const isYes = reply.status >= 200 && reply.status < 300 && isAccepted(reply);
    return isYes ? null : refusal(reply, request.url);
  } catch (error) {
    return limit.isTimedOut() ? "no answer in time" : failureOf(error, limit.signal);
  }
}

interface Style {
  started(address: string): HttpRequest | null;
  ended(address: string, report: TickReport): HttpRequest;
  isAccepted(reply: HttpReply): boolean;
}

const STYLES: Record<HeartbeatConfig["style"], Style> = {
  // https://healthchecks.io/docs/http_api/: /start, the address itself, /fail, or /EXIT-CODE, with a text.
  healthchecks: {
    started: (address) => post(withPath(address, "/start"), ""),
    ended: (address, report) => post(withPath(address, endingOf(report)), firstBytes(report.body)),
    // It answers 200 "OK (not found)" for a check that is not there.
    isAccepted: ({ body }) => body.trim() === "OK",
  },
  // https://github.com/louislam/uptime-kuma, monitor type Push: one GET, and JSON that says ok.
  "uptime-kuma": {
    started: () => null,
    ended(address, report) {
      const url = new URL(address);
      url.searchParams.set("status", report.state === "well" ? "up" : "down");
      url.searchParams.set("msg", report.summary.slice(0, MESSAGE_LENGTH_MAX).toWellFormed());
      url.searchParams.set("ping", String(Math.max(0, Math.round(report.durationMs))));
      return { url: url.href, method: "GET", headers: {} };
    },
    isAccepted: (reply) => jsonOf(reply)?.ok === true,
  },
};

function endingOf({ state, exitCode }: TickReport): string {
  if (state === "well") return "";
  return state === "failed" && exitCode > 0 && exitCode < 256 ? `/${exitCode}` : "/fail";
}

function post(url: string, body: string): HttpRequest {
  return { url, method: "POST", headers: { "content-type": "text/plain; charset=utf-8" }, body };
}

/** Puts `end` behind the path; a query, such as `?create=1`, stays behind it. */
function withPath(address: string, end: string): string {
  const url = new URL(address);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}${end}`;
  return url.href;
}

function firstBytes(text: string): string {
  const { read } = new TextEncoder().encodeInto(text.toWellFormed(), new Uint8Array(BODY_BYTES_MAX));
  return text.toWellFormed().slice(0, read);
}
