import type { Agent } from "../agent.ts";
import { messageOf } from "../lib/errors.ts";
import { ModelUnavailable } from "../providers/chain.ts";
import type { Completion } from "../providers/types.ts";
import { BreakerOpen, CapReached } from "../rails/halt.ts";
import type { Harness } from "./harness.ts";

/** What became of one call through the gates. */
export type CallOutcome =
  | { type: "answered"; completion: Completion }
  | { type: "capped"; window: string; message: string }
  /** Its breaker refused it. */
  | { type: "breaker_open"; message: string }
  | { type: "failed"; message: string };

/** Asks an agent's guarded model. `text` should be new each time: the same request over and over is a loop. */
export async function ask(harness: Harness, agent: Agent, text: string): Promise<CallOutcome> {
  try {
    const request = { messages: [{ role: "user" as const, content: text }] };
    return { type: "answered", completion: await agent.model.complete(request, { signal: harness.signal }) };
  } catch (error) {
    harness.signal.throwIfAborted();
    const message = messageOf(error);
    if (error instanceof CapReached) return { type: "capped", window: error.window, message };
    if (error instanceof ModelUnavailable && error.cause instanceof BreakerOpen)
      return { type: "breaker_open", message };
    return { type: "failed", message };
  }
}

/** The outcome on one line, for the record. */
export function outcomeText(outcome: CallOutcome): string {
  return outcome.type === "answered"
    ? `answered by ${outcome.completion.model}`
    : `${outcome.type}: ${outcome.message}`;
}
