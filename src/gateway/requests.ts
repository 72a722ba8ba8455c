import type { IncomingMessage, ServerResponse } from "node:http";
import { joinSignals } from "../lib/signals.ts";
import { Killed } from "../rails/halt.ts";
import { readStop } from "../rails/kill.ts";
import { type Asked, readAsked, withoutKey } from "./asked.ts";
import { answerBudget, BUDGET_PATH } from "./budget-view.ts";
import { type Call, type CallTools, hashOf, makeCall, replay } from "./call.ts";
import { breakerOf, type Caller, type FindCaller } from "./caller.ts";
import { Delivery, dropUnlessTaken } from "./delivery.ts";
import type { ModelBook, Target } from "./models.ts";
import { EMPTY_BODY, modelIn, type ParsedBody, parseBody } from "./parse.ts";
import type { Answer, CallRoute, OwnRoute, Refusal } from "./protocols/protocol.ts";
import { type Memory, receiveText } from "./receive.ts";
import { Refused, refusalOf } from "./refusals.ts";
import type { NoteRefused } from "./refused-log.ts";
import type { createRepeats } from "./repeats.ts";
import { protocolOf, routeOf } from "./routes.ts";
import { headersOf } from "./server.ts";
import type { createTally } from "./tally.ts";

/** What all requests of a gateway share. */
export interface RequestTools extends CallTools {
  repeats: ReturnType<typeof createRepeats>;
  memory: Memory;
  findCaller: FindCaller;
  noteRefused: NoteRefused;
  tally: ReturnType<typeof createTally>;
  book(): ModelBook;
  /** Aborts when the gateway closes. */
  closing: AbortSignal;
}

const NO_KEY =
  "afk: the request shows no key; send one as Authorization: Bearer KEY, as x-api-key: KEY, or in the address as /k/KEY/… (afk key make NAME makes one).";
const UNKNOWN_KEY = "afk: this key is unknown or revoked; make another with: afk key make NAME.";

/** Answers one request of a client, whatever it is. */
export async function answerRequest(
  tools: RequestTools,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = readAsked({ method: request.method, url: request.url, headers: headersOf(request) });
  response.on("error", () => response.destroy());
  try {
    const answer = await answerTo(tools, asked, request, response);
    if (answer !== null) send(response, answer, request);
  } catch (error) {
    const refusal = await refusalOf(error, tools.rails.store);
    send(response, protocolOf(asked.head).refuse(refusal, asked.head), request);
  }
}

/** The answer, or null where it is already on its way. */
async function answerTo(
  tools: RequestTools,
  came: Asked,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | null> {
  const { head } = came;
  const route = routeOf(head);
  // It says that somebody is here, and nothing else; clients ask so before they have a key.
  if (head.method === "HEAD" && route?.type === "own") return own(route, came, []);
  const found = await callerOf(tools, came);
  if (found === null) {
    tools.tally.add("", "refused");
    throw refused("key", came.keys.length === 0 ? NO_KEY : UNKNOWN_KEY);
  }
  const { caller } = found;
  const asked = withoutKey(came, found.key);
  caller.onRequest?.(route?.type === "call" && !route.isFree);
  try {
    return await answerCaller(tools, asked, caller, request, response);
  } catch (error) {
    const refusal = await refusalOf(error, tools.rails.store);
    countRefused(tools, caller, refusal);
    throw new Refused(refusal);
  }
}

/** The answer to somebody who is known, or null where it is already on its way. */
async function answerCaller(
  tools: RequestTools,
  asked: Asked,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | null> {
  const { head } = asked;
  const route = routeOf(head);
  if (head.method === "GET" && head.path === BUDGET_PATH)
    return await answerBudget(tools, tools.book(), caller);
  if (route === null)
    throw refused(
      "route",
      `afk: ${head.method} ${head.path.slice(0, 200)} is not served here; docs/gateway.md lists what is.`,
    );
  if (route.type === "own") return own(route, asked, tools.book().list(route.protocol, caller));
  const { text, release } =
    route.method === "POST"
      ? await receiveText(request, tools.memory, caller.title)
      : { text: "", release: () => {} };
  try {
    const body = route.method === "POST" ? parseBody(text, head.headers) : EMPTY_BODY(head.headers);
    const target = targetOf(tools, route, body, caller);
    await answerCall(tools, { asked, route, caller, body }, target, response);
    return null;
  } finally {
    release();
  }
}

function targetOf(tools: RequestTools, route: CallRoute, body: ParsedBody, caller: Caller): Target {
  const book = tools.book();
  if (route.method === "GET") {
    const any = book.anyOf(route.protocol);
    if (any === null) throw refused("route", "afk: no provider of this protocol is configured.");
    return any;
  }
  const name = modelIn(body);
  const target = book.find(name, route.protocol, caller);
  if (target !== null) return target;
  throw new Refused({
    type: "model",
    model: name,
    message: `afk: the model ${JSON.stringify(name)} cannot be asked here: ${book.whyNot(name, route.protocol, caller)}.`,
  });
}

function own(route: OwnRoute, { head }: Asked, models: Parameters<OwnRoute["answer"]>[1]): Answer {
  const answer = route.answer(head, models);
  return "status" in answer ? answer : protocolOf(head).refuse(answer, head);
}

async function callerOf(
  { findCaller }: RequestTools,
  { keys }: Asked,
): Promise<{ caller: Caller; key: string } | null> {
  // Told of nobody's key too, so that it can be noticed.
  for (const key of keys.length === 0 ? [""] : keys) {
    const caller = await findCaller(key);
    if (caller !== null) return { caller, key };
  }
  return null;
}

async function answerCall(
  tools: RequestTools,
  of: Pick<Call, "asked" | "route" | "caller" | "body">,
  target: Target,
  response: ServerResponse,
): Promise<void> {
  const { asked, route, caller, body } = of;
  const { headers } = asked.head;
  const { gateway } = tools.config();
  const requestHash = hashOf(caller, asked, body.text);
  const key = headers["idempotency-key"] ?? null;
  if (gateway.replays && !route.isFree && (await answeredBefore(tools, of, requestHash, key, response)))
    return;
  const abandoned = new AbortController();
  using ended = joinSignals([abandoned.signal, tools.closing, caller.signal ?? undefined]);
  const delivery = new Delivery(tools.repeats.memory, () => {
    if (tools.config().gateway.onDisconnect !== "abort") return;
    // A retry must not join what is just being ended.
    delivery.spoil();
    abandoned.abort(new Error("its client has gone"));
  });
  delivery.attach(response);
  if (!delivery.hasClients) return;
  tools.repeats.add(requestHash, delivery, key);
  let isWhole = false;
  try {
    await makeCall(tools, tools.book(), { ...of, requestHash, delivery, signal: ended.signal }, target);
    isWhole = true;
  } catch (error) {
    const refusal = await refusalOf(error, tools.rails.store);
    caller.onRefused?.(refusal);
    countRefused(tools, caller, refusal);
    tellFailure(of, delivery, refusal);
  } finally {
    tools.repeats.ended(requestHash, delivery, isWhole);
  }
}

/** Whether the request was answered with what was bought before. A set switch refuses that too. */
async function answeredBefore(
  { rails, repeats, tally }: RequestTools,
  { asked, caller }: Pick<Call, "asked" | "caller">,
  requestHash: string,
  key: string | null,
  response: ServerResponse,
): Promise<boolean> {
  const retryCount = asked.head.headers["x-stainless-retry-count"];
  const repeated = repeats.find(requestHash, { retryCount, key });
  const recorded = repeated === null ? await caller.recorded?.next(requestHash) : null;
  if (repeated === null && recorded == null) return false;
  const kill = await readStop(rails);
  if (kill !== null) throw new Killed(kill);
  if (recorded != null) {
    replay(response, recorded);
    tally.add(breakerOf(caller), "replayed");
    caller.log.event("info", "replayed", { entry: recorded.entry });
    return true;
  }
  if (repeated === null || !repeated.attach(response, { "x-afk-replayed": "1" })) return false;
  tally.add(breakerOf(caller), "joined");
  caller.log.event("info", "retry_joined");
  return true;
}

/** What the provider broke off was no refusal of afk's. */
function countRefused({ tally, noteRefused }: RequestTools, caller: Caller, refusal: Refusal): void {
  const { type: reason, message: error } = refusal;
  if (reason === "lost") return;
  tally.add(breakerOf(caller), "refused");
  noteRefused(caller.log, `${caller.title} ${reason}`, { reason, error });
}

/** In the middle of a stream as its last event; else as an answer. What the provider said itself has been said. */
function tellFailure(
  { asked, route }: Pick<Call, "asked" | "route">,
  delivery: Delivery,
  refusal: Refusal,
): void {
  if (delivery.isOver) return;
  if (delivery.hasBegun) {
    delivery.write(Buffer.from(route.streamError(refusal, asked.head)));
    delivery.spoil();
    return;
  }
  const { status, headers, body } = protocolOf(asked.head).refuse(refusal, asked.head);
  delivery.send(status, headers, Buffer.from(body));
}

function refused(type: "key" | "route", message: string): Refused {
  return new Refused({ type, message });
}

function send(response: ServerResponse, { status, headers, body }: Answer, request: IncomingMessage): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  dropUnlessTaken(response.end(request.method === "HEAD" ? undefined : body));
  // What is left of a body is read and dropped: to close the connection over it would take the answer away from the client.
  request.resume();
}
