import type { OnceReply } from "../http/once.ts";
import type { Pool } from "../http/pool.ts";
import { systemClock } from "../lib/clock.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { messageOf } from "../lib/errors.ts";
import { lostFailure, malformedFailure, refusalFailure, type Subject } from "../providers/failures.ts";
import { type Endpoint, endpoint } from "../providers/http.ts";
import { readErrorBody } from "../providers/reply.ts";
import { errorIn, parseJson } from "../providers/reply-json.ts";
import { CallFailed } from "../rails/call.ts";
import type { Performed } from "../rails/guard.ts";
import { CREDENTIAL_HEADERS } from "./asked.ts";
import { EventTooLong } from "./framing.ts";
import { handedOn, sentOn } from "./headers.ts";
import type { Target } from "./models.ts";
import type { RequestHead } from "./protocols/protocol.ts";
import { Refused } from "./refusals.ts";
import { broken, lostRefusal, type Relayed, type RelayedCall, takeAnswer, withRefusal } from "./replies.ts";

/** A provider may say nothing for so long in the middle of a reply. */
const IDLE_MS = 5 * MINUTE_MS;

interface Limits {
  signal: AbortSignal;
  timeoutMs: number;
  lastLook: () => Promise<void>;
}

/**
 * Sends one call on and hands its answer to the client as it comes.
 * @throws CallFailed, which says what the failure may have cost; Refused inside of it is what the client is told.
 */
export async function relay(pool: Pool, call: RelayedCall, limits: Limits): Promise<Performed<Relayed>> {
  const { target, head } = call;
  const to = addressOf(call);
  const subject = { ...to, model: target.model, address: to.url.origin + to.url.pathname };
  // What runs no model may be asked of any.
  if (!call.route.isFree) await check(target, subject, limits);
  const own = target.usesCallersKey ? callersKey(head) : target.type.relay.credentials(target.config.apiKey);
  const request = {
    method: call.route.method,
    headers: {
      "user-agent": "afk",
      ...sentOn(head.headers),
      // As it was read here: by another type or character set a server might read another request.
      ...(call.body === null ? {} : { "content-type": "application/json" }),
      ...protocolHeaders(call),
      ...to.headers,
      ...own,
    },
    body: call.body,
    idleTimeoutMs: IDLE_MS,
    ...limits,
  };
  try {
    return await pool.send(to.url, request, (reply, signal) => takeReply(call, subject, reply, signal));
  } catch (error) {
    if (error instanceof CallFailed) throw error;
    if (error instanceof EventTooLong)
      throw malformedFailure(subject, messageOf(error), lostRefusal(subject, messageOf(error)));
    const failure = lostFailure(subject, error, limits);
    throw withRefusal(failure, subject);
  }
}

/** What stands against the model is what the client is told: nothing of the request was sent, so no answer was cut off. */
async function check(target: Target, subject: Subject, limits: Limits): Promise<void> {
  try {
    await target.check?.(target.model, limits);
  } catch (error) {
    throw error instanceof CallFailed ? withRefusal(error, subject) : error;
  }
}

/** A request without a version of the protocol would be refused by Anthropic; some clients leave it out. */
function protocolHeaders({ route, target, head }: RelayedCall): Record<string, string> {
  const isAnthropic = route.protocol === "anthropic" && target.providerType === "anthropic";
  return isAnthropic && head.headers["anthropic-version"] === undefined
    ? { "anthropic-version": "2023-06-01" }
    : {};
}

/** Some write the address of a protocol with its version, some without. */
function addressOf({ route, query, target }: RelayedCall): Endpoint {
  const { provider: name, config, isFree, type } = target;
  const path = route.upstreamPath(target.providerType);
  const baseUrl = path.startsWith("/v1/") ? config.baseUrl.replace(/\/v1\/*$/, "") : config.baseUrl;
  const freeErrors = type.relay.freeErrorsAt(new URL(config.baseUrl));
  const to = endpoint(path, { ...config, baseUrl, name, isFree }, {}, { freeErrors });
  // The one query that a client is known to send, and that changes nothing of what a call can cost.
  if (route.protocol === "anthropic" && query === "?beta=true") to.url.search = query;
  return to;
}

/** What credentials the client sent beside afk's key (withoutKey in key.ts). */
export function callersKey({ headers }: RequestHead): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of CREDENTIAL_HEADERS) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

async function takeReply(
  call: RelayedCall,
  subject: Subject,
  reply: OnceReply,
  signal: AbortSignal,
): Promise<Performed<Relayed>> {
  const encoding = reply.headers["content-encoding"] ?? "identity";
  const isReadable = encoding === "identity" || encoding === "";
  if (reply.status < 200 || reply.status > 299)
    throw await refusedBy(call, subject, reply, isReadable, signal);
  if (!isReadable) throw broken(subject, `its content-encoding is ${encoding}`);
  return await takeAnswer(call, subject, reply, signal);
}

/** What a provider refuses is its client's to know, word for word, but for what concerns afk's own key. */
async function refusedBy(
  call: RelayedCall,
  subject: Subject,
  { status, headers, body }: OnceReply,
  isReadable: boolean,
  signal: AbortSignal,
): Promise<CallFailed> {
  const text = isReadable ? await readErrorBody(body, signal) : null;
  const failure = refusalFailure(subject, { status, headers, body: text }, systemClock.nowMs());
  // What it says names the owner's team and key there.
  if (status === 403 && failure.trip === "none") return contentRefused(failure, subject);
  const isOurKey = (status === 401 || status === 403) && !call.target.usesCallersKey;
  if (text === null || isOurKey || status < 400) return withRefusal(failure, subject);
  const isItsOwn = isClients(status, text, call.target);
  call.delivery.send(
    status,
    { ...handedOn(headers, call.target.config.apiKey), ...call.ownHeaders(null) },
    Buffer.from(call.redact(text)),
  );
  return isItsOwn ? new CallFailed(failure.message, { ...failure, trip: "none" }) : failure;
}

/** Asked again it would be refused, and may be billed, again. */
function contentRefused(failure: CallFailed, { provider, model }: Subject): CallFailed {
  const message = `afk: ${provider}/${model} refuses what the request says as against its rules of use, and may bill that; do not send it again.`;
  return new CallFailed(failure.message, {
    ...failure,
    cause: new Refused({ type: "forbidden", param: "messages", message }),
  });
}

/** Refusals that say something of afk's own account or of the server, whoever asked. */
const OF_THE_SERVER = [401, 402, 403, 408, 425, 429];

/** Whether what was refused is the client's own doing, so that it closes the model to nobody else. */
function isClients(status: number, text: string, { usesCallersKey }: Target): boolean {
  if (status < 400 || status > 499) return false;
  return usesCallersKey || (!OF_THE_SERVER.includes(status) && errorIn(parseJson(text)) !== null);
}
