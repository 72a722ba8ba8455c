import { toIso } from "../lib/clock.ts";
import { AfkError, messageOf } from "../lib/errors.ts";
import { DuplicateKey } from "../lib/json-text.ts";
import { asSentence } from "../lib/text.ts";
import { BreakerOpen, CapReached, Killed } from "../rails/halt.ts";
import { endOf } from "../rails/periods.ts";
import type { Store } from "../store/store.ts";
import { Forbidden } from "./protocols/forbidden.ts";
import type { Bound, Refusal } from "./protocols/protocol.ts";
import { BodyRefused } from "./receive.ts";

/** A client that asks again this soon may find room. */
const BUSY_RETRY_MS = 5_000;
/** Claude Code takes no smaller limit than this, and less is of little use to anybody. */
const OUTPUT_TOKENS_MIN = 4_096;

/** Carries a refusal out of a call. */
export class Refused extends AfkError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super("refused", refusal.message, { retry: "never" });
    this.refusal = refusal;
  }
}

/** What a client is told of an error; `call` is the call that failed, where it had a bound. */
export async function refusalOf(
  error: unknown,
  store: Store,
  call: { bound: Bound; model: string } | null = null,
): Promise<Refusal> {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof Killed)
    return {
      type: "killed",
      message: `afk is stopped by its kill switch (${error.kill.reason}); no model is called until a person runs: afk resume.`,
    };
  if (error instanceof CapReached) return await capRefusal(error, store, call);
  if (error instanceof BreakerOpen) {
    const { retry } = error;
    const retryAfterMs = typeof retry === "object" ? retry.afterMs : 60_000;
    return { type: "breaker", retryAfterMs, message: `afk: ${asSentence(error.message)}` };
  }
  if (error instanceof Forbidden)
    return { type: "forbidden", param: error.param, message: `afk: ${asSentence(error.message)}` };
  if (error instanceof DuplicateKey) return { type: "invalid", message: `afk: ${asSentence(error.message)}` };
  if (error instanceof BodyRefused) {
    const message = `afk: ${asSentence(error.message)}`;
    return error.type === "busy"
      ? { type: "busy", retryAfterMs: BUSY_RETRY_MS, message }
      : { type: error.type, message };
  }
  return {
    type: "unavailable",
    message: `afk could not make this call safely, so it was not made: ${asSentence(messageOf(error))}`,
  };
}

async function capRefusal(
  error: CapReached,
  store: Store,
  call: { bound: Bound; model: string } | null,
): Promise<Refusal> {
  const { refusal } = error;
  if (refusal.fitsLater)
    return {
      type: "busy",
      retryAfterMs: BUSY_RETRY_MS,
      message: `afk: ${asSentence(error.message)} It has room once calls under way have settled; try again in some seconds.`,
    };
  const resetsAtMs = await endOf(store.db, refusal).catch(() => null);
  const limit = `${LIMIT_NAMES[refusal.window] ?? refusal.window} limit reached`;
  const resets = resetsAtMs === null ? limit : `${limit}, resets ${toIso(resetsAtMs)}`;
  // What is more than all of the cap never fits, however long its client waits.
  const toDo = refusal.estimate > refusal.cap ? "Ask for less" : "Wait, ask for less";
  const message = `afk: ${resets}: ${asSentence(error.message)} ${toDo}, or have the owner raise it in afk.yaml.`;
  const most =
    call === null ? 0 : outputThatFits(call.bound, refusal.amount === "micros" ? refusal.roomMicros : null);
  if (call !== null && most >= OUTPUT_TOKENS_MIN)
    return {
      type: "cap_smaller",
      resetsAtMs,
      asked: call.bound.outputTokensMax,
      most,
      model: call.model,
      message,
      capped: refusal,
    };
  return { type: "cap", resetsAtMs, message, capped: refusal };
}

/** What clients know such a limit by. */
const LIMIT_NAMES: Readonly<Record<string, string>> = {
  hour: "hourly",
  day: "daily",
  week: "weekly",
  month: "monthly",
  job: "run",
};

/** The limit of the output with which the call would fit into what is left, in tokens; 0 where none would. */
export function outputThatFits(
  {
    estimateMicros,
    outputMicros,
    outputTokensMax,
  }: Pick<Bound, "estimateMicros" | "outputMicros" | "outputTokensMax">,
  roomMicros: number | null,
): number {
  if (roomMicros === null || outputMicros <= 0) return 0;
  const left = roomMicros - (estimateMicros - outputMicros);
  // One less, since each part of an estimate is rounded up by itself.
  return Math.max(
    0,
    Math.min(outputTokensMax - 1, Math.floor((outputTokensMax * (left - 1)) / outputMicros)),
  );
}
