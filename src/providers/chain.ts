import { hash } from "node:crypto";
import type { ModelsConfig } from "../config/config.ts";
import { MINUTE_MS } from "../lib/durations.ts";
import { AfkError, EXIT, soonest } from "../lib/errors.ts";
import { joinSignals } from "../lib/signals.ts";
import { CallFailed } from "../rails/call.ts";
import { type GuardedCall, guard } from "../rails/guard.ts";
import { BreakerOpen, CapReached, Killed } from "../rails/halt.ts";
import { readStop } from "../rails/kill.ts";
import type { Rails } from "../rails/rails.ts";
import type { CompleteOptions } from "./complete-options.ts";
import { estimateMicros, hiddenTokensMax, tokensMax } from "./estimate.ts";
import { NO_TOKENS, performed } from "./performed.ts";
import { isFree, knownPrice, priceOf } from "./prices.ts";
import { BadReference, parseReference } from "./registry.ts";
import { ReplyUnusable } from "./reply-unusable.ts";
import { createTurns } from "./serial.ts";
import { textRequest } from "./text-request.ts";
import type { Completion, ModelRequest, Price, Provider } from "./types.ts";

/** Beyond the provider's own time-out, until a call counts as over although its end was not recorded. */
const DEADLINE_MARGIN_MS = MINUTE_MS;

/** The guarded model: the only way to a completion that jobs and users of the library get. */
export interface Chain {
  /**
   * Asks the models of the chain in order, each behind its own breaker and every attempt through all gates.
   * @throws Killed, CapReached (a halt), ModelUnavailable (none could answer), BadModelRequest, or the caller's abort
   * reason.
   */
  complete(request: ModelRequest, options: CompleteOptions): Promise<Completion>;
  /**
   * The same with other models, or another answer to a cap; calls to a server that takes one at a time wait for each other.
   * @throws UnpricedModel, BadReference (exit 78)
   */
  of(own: Partial<Pick<ModelsConfig, "chain" | "onCap">>): Chain;
}

/**
 * No model of the chain gave an answer. Exit 69 when waiting may heal it: one of them at least is down, or its breaker is
 * open. What every model refuses, or answers in a way that is of no use, counts as a failure of the caller.
 */
export class ModelUnavailable extends AfkError {
  /** The breakers that stand before the models. */
  readonly dependencies: string[];

  constructor(failures: { reference: string; error: AfkError }[]) {
    const reasons = failures.map(({ reference, error }) => `${reference}: ${error.message}`).join("; ");
    const isOutage = failures.some(({ error }) => !(error instanceof CallFailed) || error.fault === "outage");
    super(
      isOutage ? "model_unavailable" : "model_unusable",
      `no model of the chain could answer (${reasons})`,
      {
        retry: soonest(failures.map(({ error }) => error.retry)),
        exitCode: isOutage ? EXIT.unavailable : EXIT.failed,
        cause: failures.at(-1)?.error,
      },
    );
    this.dependencies = failures.map(({ reference }) => breakerOf(reference));
  }
}

type Link =
  | { isOffline: true; reference: string; answer: (request: ModelRequest) => string; isFree: true }
  | {
      isOffline: false;
      reference: string;
      model: string;
      provider: Provider;
      /** The provider whose calls wait for each other; null where they need not. */
      turn: string | null;
      price: Price;
      isFree: boolean;
      /** As `AskedModel` has them. */
      otherPriceOf: (model: string) => Price | null;
      server: string | null;
    };

/**
 * Builds the chain of the configuration.
 * @throws UnpricedModel (exit 78) for a model whose calls could not be bounded.
 */
export function createChain(rails: Rails, config: ModelsConfig, turns = createTurns()): Chain {
  const links = config.chain.map((reference) => linkOf(reference, config));

  async function ask(
    link: Link,
    isDegraded: boolean,
    request: Required<ModelRequest>,
    options: CompleteOptions,
  ) {
    if (link.isOffline) return await answerOffline(rails, link, isDegraded, request, options);
    const call = () => guard(rails, guardedCall(link, isDegraded, request, options, config.timeoutMs));
    if (link.turn === null) return await call();
    using joined = joinSignals([options.signal, rails.watch.signal]);
    // The turn comes before the gates: what they decided must not grow old in a queue.
    return await turns.run(link.turn, joined.signal, call);
  }

  return {
    async complete(request, options) {
      const whole = textRequest(request, config.maxOutputTokens);
      const failures: { reference: string; error: AfkError }[] = [];
      let cap: CapReached | null = null;
      for (const [index, link] of links.entries()) {
        if (cap !== null && !link.isFree) continue;
        try {
          const completion = await ask(link, index > 0, whole, options);
          if (!link.isOffline) options.onCall?.(link.reference, null);
          if (index > 0) reportFallback(link.reference, failures, cap, options);
          return completion;
        } catch (error) {
          if (error instanceof CapReached && config.onCap === "fallback") cap ??= error;
          else if (error instanceof CallFailed || error instanceof BreakerOpen) {
            options.signal?.throwIfAborted();
            if (error instanceof CallFailed) options.onCall?.(link.reference, error);
            failures.push({ reference: link.reference, error });
          } else throw error;
        }
      }
      throw cap ?? new ModelUnavailable(failures);
    },
    of: (own) => createChain(rails, { ...config, ...own }, turns),
  };
}

function breakerOf(reference: string): string {
  return `model:${reference}`;
}

function linkOf(reference: string, models: ModelsConfig): Link {
  const parsed = parseReference(reference, models.providers);
  if (parsed.isOffline) return { isOffline: true, reference, answer: parsed.provider.answer, isFree: true };
  const { name, model, type, config } = parsed;
  if (config.auth === "client")
    throw new BadReference(
      `${reference} cannot be asked: ${name} has auth: client, and there is no caller whose credential could be handed on. Name a model of another provider.`,
    );
  // Neither other tiers nor tools are asked for: a reply that tells of one has prices that nothing was reserved for.
  const { tiers: _tiers, tools: _tools, ...price } = priceOf(reference, models);
  const costsNothing = isFree(price);
  const isAssumedLocal = costsNothing && !Object.hasOwn(models.prices, reference);
  return {
    isOffline: false,
    reference,
    model,
    provider: type.create({ ...config, name, price, isFree: costsNothing, isAssumedLocal }),
    turn: type.isSerial ? name : null,
    price,
    isFree: costsNothing,
    otherPriceOf: (other) => knownPrice(`${name}/${other}`, models),
    server: type.serverOf?.({ name, ...config }).server ?? null,
  };
}

function guardedCall(
  link: Link & { isOffline: false },
  isDegraded: boolean,
  request: Required<ModelRequest>,
  options: CompleteOptions,
  timeoutMs: number,
): GuardedCall<Completion> {
  const body = link.provider.body(link.model, request);
  const hidden = hiddenTokensMax(link.model);
  const asked = { ...link, isDegraded, outputTokensMax: request.maxOutputTokens };
  const { record } = options;
  return {
    dependency: breakerOf(link.reference),
    model: link.reference,
    estimateMicros: estimateMicros(
      body,
      request.messages.length,
      request.maxOutputTokens,
      link.price,
      hidden,
    ),
    estimateTokens: tokensMax(body, request.messages.length) + hidden + request.maxOutputTokens,
    deadlineMs: timeoutMs + DEADLINE_MARGIN_MS,
    scope: options.scope,
    step: options.step ?? null,
    runner: options.runner ?? null,
    claim: options.claim,
    requestHash: hash("sha256", body),
    isDegraded,
    signal: options.signal,
    log: options.log,
    record,
    async perform(signal, lastLook) {
      try {
        return performed(asked, await link.provider.send(link.model, body, { signal, timeoutMs, lastLook }));
      } catch (error) {
        if (!(error instanceof ReplyUnusable)) throw error;
        // It was billed, although its text is of no use.
        return { ...performed(asked, { text: "", usage: error.usage }), failure: error };
      }
    },
  };
}

/** It asks nobody, so there is nothing to guard but the kill switch. */
async function answerOffline(
  rails: Rails,
  { reference, answer }: Link & { isOffline: true },
  isDegraded: boolean,
  request: ModelRequest,
  options: CompleteOptions,
): Promise<Completion> {
  rails.watch.signal.throwIfAborted();
  options.signal?.throwIfAborted();
  // Outside of a tick nothing has looked yet.
  const kill = await readStop(rails);
  if (kill !== null) throw new Killed(kill);
  const completion: Completion = {
    text: answer(request),
    usage: NO_TOKENS,
    model: reference,
    costMicros: 0,
    degraded: isDegraded,
  };
  const { record } = options;
  if (record) await rails.store.atomically((trx) => record(trx, completion));
  return completion;
}

/** At "warn" where a call failed or the cap refused; an open breaker was reported when it opened. */
function reportFallback(
  reference: string,
  failures: { reference: string; error: AfkError }[],
  cap: CapReached | null,
  options: CompleteOptions,
): void {
  const isNews = cap !== null || failures.some(({ error }) => error instanceof CallFailed);
  const because = [...failures.map(({ error }) => error.message), ...(cap === null ? [] : [cap.message])];
  options.log.event(isNews ? "warn" : "debug", "fallback_used", {
    model: reference,
    step: options.step,
    because,
  });
}
