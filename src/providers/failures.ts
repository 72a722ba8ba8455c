import { type ReplyHeaders, RequestLost, reasonOf } from "../http/once.ts";
import { boundedWaitMs, retryAfterMs } from "../http/retry-after.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { createRedactor } from "../lib/redact.ts";
import { CallFailed } from "../rails/call.ts";
import { errorIn, parseJson, serverWords } from "./reply-json.ts";

/** Whom a message speaks of: the provider, the model it was asked for, and what must not be repeated. */
export interface Subject {
  provider: string;
  model: string;
  /** The price of the model is 0. */
  isFree: boolean;
  /** What is known of the cost of the host's own errors; null where nothing is. */
  freeErrors: FreeErrors | null;
  /** What to do about a model that the server itself says is not there; null for the usual advice. */
  missingModelAdvice: ((model: string) => string) | null;
  /** Scheme, host and path, without credentials and query. */
  address: string;
  secrets: string[];
}

/** An answer whose status is not 2xx. `body` is null where it could not be read. */
interface Refusal {
  status: number;
  headers: ReplyHeaders;
  body: string | null;
}

const ERROR_TEXT_CHARS_MAX = 300;
const RETRY_AFTER_DEFAULT_MS = MINUTE_MS;

/** What an answer other than 2xx says about money and health. */
export function refusalFailure(subject: Subject, refusal: Refusal, nowMs: number): CallFailed {
  const { status } = refusal;
  const said = refusal.body === null ? undefined : (parseJson(refusal.body) ?? plainWords(refusal.body));
  const message = refusalMessage(subject, status, said);
  const charge = isUnbilled(status, said, subject) ? "none" : "unknown";
  if (status === 403 && isContentRefused(said, subject))
    return new CallFailed(message, { charge, trip: "none", fault: "refusal", retry: "never" });
  if (status === 401 || status === 403) return new CallFailed(message, { charge, trip: "now" });
  if (status === 429) {
    const afterMs = askedWaitMs(refusal.headers, nowMs) ?? RETRY_AFTER_DEFAULT_MS;
    return new CallFailed(message, { charge, trip: { untilAfterMs: afterMs }, retry: { afterMs } });
  }
  if (status === 400 || status === 413 || status === 422) {
    return new CallFailed(message, { charge, trip: "none", fault: "refusal", retry: "never" });
  }
  const fault = isRefusal(status) ? "refusal" : "outage";
  return new CallFailed(message, { charge, trip: "count", fault });
}

/** What a server says that does not write JSON; nothing of a page, which is for browsers. */
function plainWords(body: string): { message: string } | undefined {
  return /^\s*(?:<|$)/.test(body) ? undefined : { message: body };
}

/**
 * What an answer of this status with the host's own error in its body cost: true for certainly nothing, false where the host is known
 * to bill some of them, null where it says neither.
 */
export type FreeErrors = (status: number) => boolean | null;

/** A request that was refused for what it is, and a failure that the host admits; not what something in between says. */
export const OWN_ERRORS: FreeErrors = (status) =>
  [400, 413, 422].includes(status) || (status >= 500 && status !== 502 && status !== 504) ? true : null;

/** What is rejected before any model has seen it (RFC 9110, sections 15.5.2 to 15.5.5; RFC 6585, section 4), unless the host bills it. */
const NEVER_BILLED = [401, 403, 404, 429];

/**
 * Whether an answer certainly cost nothing. All others may have been billed: a 402, 408 or 409 says nothing of work that was
 * done, and a 502, a 504 or a 5xx without the host's own error comes from something in between. What has a price of 0 cannot.
 */
function isUnbilled(status: number, said: unknown, { isFree, freeErrors }: Subject): boolean {
  const isFreeThere = freeErrors?.(status) ?? null;
  if (NEVER_BILLED.includes(status) && (isFree || isFreeThere !== false)) return true;
  if (errorIn(said) === null) return false;
  return (isFree && OWN_ERRORS(status) === true) || isFreeThere === true;
}

/** Where a host bills a refusal, that may be one of what the request says, and no word about the key that it came with. */
function isContentRefused(said: unknown, { freeErrors }: Subject): boolean {
  return freeErrors?.(403) === false && /\bcontent violates\b.*\bguidelines\b/i.test(errorIn(said) ?? "");
}

/** A request that is too early, too slow or in conflict may go through unchanged later; any other 4xx may not. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 409, 425].includes(status);
}

/** A call that ended without an answer. Until the connection stood not a byte of it can have left. */
export function lostFailure(
  subject: Subject,
  cause: unknown,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): CallFailed {
  const lost = cause instanceof RequestLost ? cause : null;
  const charge = lost?.isSent === false ? "none" : "unknown";
  if (signal.aborted) {
    const message = `The call to ${nameOf(subject)} was aborted by afk.`;
    return new CallFailed(message, { charge, trip: "none", cause });
  }
  const reason = lost?.isTimedOut
    ? `no complete answer within ${timeoutMs} ms`
    : clean(reasonOf(cause), subject.secrets);
  const message =
    lost?.isSent !== false
      ? `The call to ${nameOf(subject)} was lost: ${reason}.`
      : `${subject.provider} cannot be reached at ${subject.address}: ${reason}. Check models.providers.${subject.provider}.base_url.`;
  return new CallFailed(message, { charge, trip: "count", cause });
}

/** A 2xx that is not what the protocol promises, so that nobody knows what it cost: the model did not answer, whatever did. */
export function malformedFailure(subject: Subject, what: string, cause?: unknown): CallFailed {
  const message = `${nameOf(subject)} sent a reply that cannot be read: ${clean(what, subject.secrets)}.`;
  return new CallFailed(message, { charge: "unknown", trip: "count", cause });
}

/** The wait a provider asks for, in milliseconds from `nowMs`; null where it asks for none. `retry-after-ms` is OpenAI's own. */
export function askedWaitMs(headers: ReplyHeaders, nowMs: number): number | null {
  const exact = Number.parseFloat(headers["retry-after-ms"] ?? "");
  const ms = Number.isFinite(exact) ? exact : retryAfterMs(headers["retry-after"], nowMs);
  return ms === null ? null : boundedWaitMs(ms);
}

function refusalMessage(subject: Subject, status: number, said: unknown): string {
  const answer = `${nameOf(subject)} answered ${status}`;
  const words = serverWords(said);
  const text = words === null ? "" : `: ${clean(words, subject.secrets)}`;
  return `${answer}${text.replace(/[.\s]+$/, "")}.${advice(subject, status, said)}`;
}

function advice(subject: Subject, status: number, said: unknown): string {
  const setting = `models.providers.${subject.provider}`;
  if (status >= 300 && status < 400) {
    return ` afk follows no redirect; set ${setting}.base_url to the address that answers.`;
  }
  if (status === 403 && isContentRefused(said, subject)) return "";
  if (status === 401 || status === 403) return ` Check ${setting}.api_key.`;
  if (status !== 404) return "";
  if (errorIn(said) !== null && subject.missingModelAdvice !== null)
    return ` ${subject.missingModelAdvice(subject.model)}`;
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
