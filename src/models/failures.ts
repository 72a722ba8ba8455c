import { MINUTE_MS } from "../lib/durations.ts";
import { messageOf } from "../lib/errors.ts";
import { createRedactor } from "../lib/redact.ts";
import { CallFailed } from "../rails/call.ts";

/** Whom a message speaks of: the provider, the model it was asked for, and what must not be repeated. */
export interface Subject {
  provider: string;
  model: string;
  /** Scheme, host and path, without credentials and query. */
  address: string;
  secrets: string[];
}

/** An answer whose status is not 2xx. `body` is null where it could not be read. */
export interface Refusal {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string | null;
}

const ERROR_TEXT_CHARS_MAX = 300;
const RETRY_AFTER_DEFAULT_MS = MINUTE_MS;
const RETRY_AFTER_MIN_MS = 1_000;
const RETRY_AFTER_MAX_MS = 6 * 60 * 60 * 1000;

/**
 * What an answer other than 2xx says about money and health. A 4xx, and a 5xx with the provider's own JSON
 * error, were not billed. A 502, a 504 and a bare 5xx come from something in between, with the provider's
 * work perhaps done and billed; so does a 408, and a redirect says nothing at all.
 */
export function refusalFailure(subject: Subject, refusal: Refusal, nowMs: number): CallFailed {
  const { status } = refusal;
  const said = refusal.body === null ? null : providerErrorText(refusal.body);
  const message = refusalMessage(subject, status, said);
  if (status === 401 || status === 403) return new CallFailed(message, { charge: "none", trip: "now" });
  if (status === 429) {
    const afterMs = retryAfterMs(refusal.headers, nowMs) ?? RETRY_AFTER_DEFAULT_MS;
    return new CallFailed(message, { charge: "none", trip: { untilAfterMs: afterMs }, retry: { afterMs } });
  }
  if (status === 400 || status === 413 || status === 422) {
    return new CallFailed(message, { charge: "none", trip: "none", retry: "never" });
  }
  return new CallFailed(message, {
    charge: isFree(status, said !== null) ? "none" : "unknown",
    trip: "count",
  });
}

/** A call that ended without an answer. `isConnected` is false while not a byte of it can have left. */
export function lostFailure(
  subject: Subject,
  state: {
    isConnected: boolean;
    callerAborted: boolean;
    timedOut: boolean;
    timeoutMs: number;
    error: unknown;
  },
): CallFailed {
  const charge = state.isConnected ? "unknown" : "none";
  const cause = state.error;
  if (state.callerAborted) {
    return new CallFailed(`The call to ${nameOf(subject)} was aborted by afk.`, {
      charge,
      trip: "none",
      cause,
    });
  }
  const reason = state.timedOut
    ? `no complete answer within ${state.timeoutMs} ms`
    : clean(describe(state.error), subject.secrets);
  const message = state.isConnected
    ? `The call to ${nameOf(subject)} was lost: ${reason}.`
    : `${subject.provider} cannot be reached at ${subject.address}: ${reason}. Check models.providers.${subject.provider}.base_url.`;
  return new CallFailed(message, { charge, trip: "count", cause });
}

/** A 2xx that is not what the protocol promises, so that nobody knows what it cost. */
export function malformedFailure(subject: Subject, what: string, cause?: unknown): CallFailed {
  const message = `${nameOf(subject)} sent a reply that cannot be read: ${clean(what, subject.secrets)}.`;
  return new CallFailed(message, { charge: "unknown", trip: "count", cause });
}

/**
 * The wait a provider asks for, in milliseconds from `nowMs`, between one second and six hours; null where it
 * asks for none. `retry-after-ms` is OpenAI's own; Retry-After is RFC 9110, section 10.2.3: seconds or a date.
 */
export function retryAfterMs(headers: Refusal["headers"], nowMs: number): number | null {
  const exact = Number.parseFloat(header(headers, "retry-after-ms"));
  if (Number.isFinite(exact)) return bounded(exact);
  const text = header(headers, "retry-after").trim();
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Number(text) * 1000);
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : bounded(dateMs - nowMs);
}

/** What a provider's own error says, parsed from JSON text. */
export function providerErrorText(body: string): string | null {
  return errorTextIn(parseJson(body));
}

/** `{error: {message}}` as OpenAI and Anthropic write it, `{error: "…"}` as Ollama does; null for anything else. */
export function errorTextIn(value: unknown): string | null {
  const error = isRecord(value) ? value.error : undefined;
  if (typeof error === "string") return error;
  return isRecord(error) && typeof error.message === "string" ? error.message : null;
}

/** What JSON text says; undefined, which no JSON text means, where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isFree(status: number, hasProviderError: boolean): boolean {
  if (status === 502 || status === 504 || status < 400) return false;
  return status >= 500 || status === 408 ? hasProviderError : true;
}

function refusalMessage(subject: Subject, status: number, said: string | null): string {
  const answer = `${nameOf(subject)} answered ${status}`;
  const text = said === null ? "" : `: ${clean(said, subject.secrets)}`;
  return `${answer}${text.replace(/[.\s]+$/, "")}.${advice(subject, status, said !== null)}`;
}

function advice(subject: Subject, status: number, hasProviderError: boolean): string {
  const setting = `models.providers.${subject.provider}`;
  if (status >= 300 && status < 400) {
    return ` afk follows no redirect; set ${setting}.base_url to the address that answers.`;
  }
  if (status === 401 || status === 403) return ` Check ${setting}.api_key.`;
  if (status !== 404) return "";
  if (subject.provider === "ollama" && hasProviderError) return ` Run \`ollama pull ${subject.model}\`.`;
  return ` Check the model's name and ${setting}.base_url.`;
}

function nameOf(subject: Subject): string {
  return `${subject.provider}/${subject.model}`;
}

/** One line, without secrets, of bounded length. */
function clean(text: string, secrets: string[]): string {
  // Before it is cut: half a secret is not recognised. Servers repeat more than the key of this call.
  const line = createRedactor(secrets)(text)
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return line.length > ERROR_TEXT_CHARS_MAX ? `${line.slice(0, ERROR_TEXT_CHARS_MAX - 1)}…` : line;
}

/** A refused connection with several addresses is an AggregateError whose own message is empty. */
function describe(error: unknown): string {
  const text = messageOf(error);
  if (text !== "") return text;
  const code = isRecord(error) ? error.code : undefined;
  return typeof code === "string" ? code : "the connection failed";
}

function header(headers: Refusal["headers"], name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

function bounded(ms: number): number {
  return Math.ceil(Math.min(Math.max(ms, RETRY_AFTER_MIN_MS), RETRY_AFTER_MAX_MS));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
