import type { Agent } from "../agent.ts";
import { messageOf } from "../lib/errors.ts";
import { ModelUnavailable } from "../providers/chain.ts";
import type { Completion } from "../providers/types.ts";
import { BreakerOpen, CapReached } from "../rails/halt.ts";
import type { Harness } from "./harness.ts";

/** What became of one call through the gates. */
export interface CallOutcome {
  /** Null when it was not answered. */
  completion: Completion | null;
  /** The window whose cap refused it, or the breaker. */
  refusedBy: string | null;
  /** On one line, for the record. */
  text: string;
}

/** Asks an agent's guarded model. `text` should be new each time: the same request over and over is a loop. */
export async function ask(harness: Harness, agent: Agent, text: string): Promise<CallOutcome> {
  const { signal } = harness;
  try {
    const completion = await agent.model.complete(
      { messages: [{ role: "user", content: text }] },
      { signal },
    );
    return { completion, refusedBy: null, text: `answered by ${completion.model}` };
  } catch (error) {
    signal.throwIfAborted();
    const message = messageOf(error);
    if (error instanceof CapReached)
      return { completion: null, refusedBy: error.window, text: `capped: ${message}` };
    if (error instanceof ModelUnavailable && error.cause instanceof BreakerOpen)
      return { completion: null, refusedBy: "breaker", text: `breaker_open: ${message}` };
    return { completion: null, refusedBy: null, text: `failed: ${message}` };
  }
}
