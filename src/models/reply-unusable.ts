import { CallFailed } from "../rails/call.ts";
import type { Subject } from "./failures.ts";
import type { ProviderReply, Usage } from "./types.ts";

/**
 * The provider answered, was paid, and what it said cannot be used: cut off by the token limit, withheld,
 * or empty. Unlike other failures with charge "unknown", `usage` is the provider's own and prices the call.
 */
export class ReplyUnusable extends CallFailed {
  readonly usage: Usage;

  constructor(message: string, usage: Usage) {
    super(message, { charge: "unknown", trip: "count" });
    this.usage = usage;
  }
}

/**
 * The reply, if it is a whole one. `ending` is "complete", "truncated", or the provider's own word for
 * another reason to stop.
 * @throws ReplyUnusable
 */
export function usableReply(subject: Subject, text: string, usage: Usage, ending: string): ProviderReply {
  const name = `${subject.provider}/${subject.model}`;
  if (ending === "truncated") {
    const advice = "raise models.max_output_tokens";
    throw new ReplyUnusable(`The reply of ${name} was cut off at the token limit; ${advice}.`, usage);
  }
  if (ending !== "complete") {
    throw new ReplyUnusable(`${name} ended its reply for the reason "${ending.slice(0, 100)}".`, usage);
  }
  if (text.trim() === "") throw new ReplyUnusable(`${name} sent an empty reply.`, usage);
  return { text, usage };
}
