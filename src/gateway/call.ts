import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { GatewayConfig, ModelsConfig } from "../config/config.ts";
import type { Pool } from "../http/pool.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { messageOf } from "../lib/errors.ts";
import { asSentence } from "../lib/text.ts";
import { CallFailed } from "../rails/call.ts";
import { type GuardedCall, guard } from "../rails/guard.ts";
import { BreakerOpen, CapReached, Killed } from "../rails/halt.ts";
import type { Rails } from "../rails/rails.ts";
import type { Asked } from "./asked.ts";
import { type Bounded, boundOf } from "./bounded.ts";
import { breakerOf, type Caller } from "./caller.ts";
import { type Delivery, dropUnlessTaken } from "./delivery.ts";
import { figureHeaders } from "./figure-headers.ts";
import type { ModelBook, Target } from "./models.ts";
import { type ParsedBody, sessionOf } from "./parse.ts";
import type { Bound, CallRoute } from "./protocols/protocol.ts";
import { Refused, refusalOf } from "./refusals.ts";
import { relay } from "./relay.ts";
import type { Relayed } from "./replies.ts";
import { type createWaiting, whenThereIsRoom } from "./waiting.ts";

/** Beyond the request's own time limit, until a call counts as over although its end was not recorded. */
const DEADLINE_MARGIN_MS = MINUTE_MS;

/** What all calls of a gateway share. */
export interface CallTools {
  rails: Rails;
  /** As it stands now. */
  config: () => { gateway: GatewayConfig; models: ModelsConfig };
  pool: Pool;
  waiting: ReturnType<typeof createWaiting>;
  /** When periods end, by window and period; see resetOf. */
  resets: Map<string, number | null>;
}

/** One request that may reach a provider, with its body read and its caller known. */
export interface Call {
  asked: Asked;
  route: CallRoute;
  caller: Caller;
  body: ParsedBody;
  /** Of caller, route and body. */
  requestHash: string;
  delivery: Delivery;
  /** Ends the call: its client has gone and the owner wants that, its run is over, or the gateway closes. */
  signal: AbortSignal;
}

/** The same request of the same caller has the same hash. */
export function hashOf(caller: Caller, { head, query }: Asked, text: string): string {
  return hash("sha256", `${caller.title}\0${head.method} ${head.path}${query}\0${text}`);
}

/**
 * Makes one call: of the model that was asked for, or of one that may answer in its place.
 * @throws Refused, Killed, CapReached, BreakerOpen, Forbidden (nothing was sent), CallFailed.
 */
export async function makeCall(tools: CallTools, book: ModelBook, call: Call, target: Target): Promise<void> {
  const { onCap } = tools.config().models;
  let first: { error: CapReached | BreakerOpen; bound: Bound } | null = null;
  const others = call.route.isFree ? [] : book.fallbacks(target, call.route.protocol, call.caller);
  for (const to of [target, ...others]) {
    if (first?.error instanceof CapReached && !to.isFree) continue;
    const bounded = boundOf(tools, book, call, to, first !== null);
    if (bounded === null) continue;
    try {
      await attempt(tools, call, to, bounded, first !== null);
      if (first !== null)
        call.caller.log.event("warn", "fallback_used", {
          model: to.reference,
          because: [first.error.message],
        });
      return;
    } catch (error) {
      if (!(error instanceof BreakerOpen || error instanceof CapReached)) throw error;
      first ??= { error, bound: bounded.bound };
      if (error instanceof CapReached && onCap !== "fallback") break;
    }
  }
  if (first === null) return;
  const asked = { bound: first.bound, model: target.model };
  throw new Refused(await refusalOf(first.error, tools.rails.store, asked));
}

async function attempt(
  tools: CallTools,
  call: Call,
  target: Target,
  { bound, text }: Bounded,
  isDegraded: boolean,
): Promise<void> {
  const { rails, config } = tools;
  const { route, caller, asked, delivery } = call;
  const { timeoutMs } = config().gateway;
  const session = sessionOf(asked.head.headers);
  const isRecorded = caller.recorded !== null && !route.isFree && config().gateway.replays;
  let entry = "";
  const guarded: GuardedCall<Relayed> = {
    dependency: target.breaker,
    caller: breakerOf(caller),
    model: target.reference,
    estimateMicros: bound.estimateMicros,
    estimateTokens: bound.estimateTokens,
    deadlineMs: timeoutMs + DEADLINE_MARGIN_MS,
    scope: caller.scope,
    step: null,
    session,
    runner: caller.runner,
    claim: caller.claim,
    // Counting and looking may be repeated as often as anybody likes.
    requestHash: route.isFree ? null : call.requestHash,
    isDegraded,
    mayWait: true,
    looksItself: true,
    settlesSoon: !isRecorded,
    signal: call.signal,
    log: caller.log.child({ route: asked.head.path, ...(session !== null && { session }) }),
    async perform(signal, lastLook, reserved) {
      entry = reserved.entryId;
      // What this one has left over may be enough for the next.
      tools.waiting.next();
      const degraded = isDegraded ? { "x-afk-degraded": target.reference } : {};
      const figures = await figureHeaders(tools, reserved, bound, route.protocol);
      const ownHeaders = (costMicros: number | null) => ({ ...figures(costMicros), ...degraded });
      const isStreamed = route.isStreamed(call.body.said);
      const body = route.method === "POST" ? Buffer.from(text) : null;
      const relayed = {
        route,
        head: asked.head,
        query: asked.query,
        target,
        bound,
        isStreamed,
        body,
        delivery,
      };
      const redact = (words: string) => rails.outbox.redact(words);
      return await relay(
        tools.pool,
        { ...relayed, ownHeaders, holdsEnd: isRecorded, redact },
        { signal, lastLook, timeoutMs },
      );
    },
    record: isRecorded
      ? async (trx, value) => {
          const whole = value.whole();
          if (whole === null || !isUtf8(whole.body)) return;
          const { status, contentType, body } = whole;
          await caller.recorded?.keep(trx, call.requestHash, {
            status,
            contentType,
            body: body.toString("utf8"),
            entry,
          });
        }
      : undefined,
  };
  try {
    const relayed = await whenThereIsRoom(tools, call, call.signal, () => guard(rails, guarded));
    relayed.finish();
  } catch (error) {
    // What the client is told of a failure is said where it was found.
    if (error instanceof CallFailed && error.cause instanceof Refused) throw error.cause;
    // Behind the reservation something may have been sent: nobody may be told that it was not.
    if (entry !== "" && !(error instanceof Killed)) throw cutOff(target, error);
    throw error;
  } finally {
    tools.waiting.next();
  }
}

function cutOff({ reference }: Target, error: unknown): Refused {
  return new Refused({
    type: "lost",
    message: `afk: the answer of ${reference} was cut off: ${asSentence(messageOf(error))} See: afk logs --event call_failed`,
  });
}

/** An answer that an earlier attempt of the run bought, as it was. */
export function replay(
  client: ServerResponse,
  answer: { status: number; contentType: string; body: string; entry: string },
): void {
  client.writeHead(answer.status, {
    "content-type": answer.contentType,
    "x-afk-replayed": answer.entry,
    "x-afk-cost-usd": "0",
  });
  dropUnlessTaken(client.end(answer.body));
}
