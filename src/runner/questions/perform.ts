import { messageOf } from "../../lib/errors.ts";
import { asSentence } from "../../lib/text.ts";
import type { DraftOutcome } from "../drafts/state.ts";

/** Does what a draft says, once; made by agent.ts alone. */
export interface ApprovedDrafts {
  approve(id: string, how: { isAgain: boolean }): Promise<DraftOutcome>;
}

/** Does a draft that was approved by its code, and says what came of it: done, not done and why, or that nobody knows. */
export async function performDraft({ approve }: ApprovedDrafts, id: string): Promise<string> {
  try {
    const outcome = await approve(id, { isAgain: false });
    switch (outcome.state) {
      case "done":
        return `Done: ${asSentence(outcome.summary)}`;
      case "pending":
        return `Not done: ${asSentence(outcome.error)} It waits at the keyboard: afk drafts`;
      default:
        return `Unknown: ${asSentence(outcome.error)} It may have been done: look there first, then at the keyboard: afk drafts`;
    }
  } catch (error) {
    // Nothing was sent: the switch, another approval, what was decided before. Whoever asked is told.
    return `Not done: ${asSentence(messageOf(error))}`;
  }
}
