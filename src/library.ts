import { openAgent as openWholeAgent } from "./agent.ts";
import type { LibraryAgent, LibraryOptions } from "./library-api.ts";

export type { AlertPayload } from "./alerts/events.ts";
export { ConfigError } from "./config/errors.ts";
export { NoAgent } from "./config/locations.ts";
export type { JobKind } from "./jobs/job.ts";
export { AfkError } from "./lib/errors.ts";
export type { LibraryAgent as Agent, LibraryOptions as AgentOptions } from "./library-api.ts";
export type { Status } from "./ops/status.ts";
export { ModelUnavailable } from "./providers/chain.ts";
export type { Completion, Message, ModelRequest, Usage } from "./providers/types.ts";
export { CallFailed } from "./rails/call.ts";
export { BreakerOpen, CapReached, Killed } from "./rails/halt.ts";
export type { TickResult } from "./runner/tick.ts";

/**
 * Opens the agent of an afk.yaml for a program of your own: reads the configuration, opens the state, and puts the rails
 * around its models. A worker may be at work on the same state; both share one budget and one kill switch.
 * @throws ConfigError (or another AfkError of exit code 78), NoAgent where there is no afk.yaml, an AfkError whose `code`
 * begins with `store_` for a database that cannot be used.
 */
export async function openAgent(options: LibraryOptions = {}): Promise<LibraryAgent> {
  const { config, state, onAlert, kinds } = options;
  return await openWholeAgent({ config, state, onAlert, ...(kinds !== undefined && { kinds }) });
}
