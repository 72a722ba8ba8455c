import { formatRelative } from "../../lib/duration-text.ts";
import { TRIES_MIN } from "../condition/messages.ts";
import { bad, type Finding, ok, warn } from "./check.ts";

/** What became of the last alert or result that a channel or a receiver was to get. `again` says what to do where it was given up. */
export function lastSent(
  what: "alert" | "result",
  last: { state: string; attempts: number; error: string | null; updated_at: number },
  { nowMs, again }: { nowMs: number; again: string },
): Finding {
  const { state, attempts, error } = last;
  const when = formatRelative(last.updated_at, nowMs);
  if (state === "sent" || state === "delivered") return ok(`the last ${what} was delivered ${when}`);
  const why = error ?? "for no stated reason";
  if (state === "failed" || state === "dead")
    return bad(`the last ${what} was given up ${when}: ${why}`, again);
  const found = `the last ${what} was not delivered ${when} (try ${attempts}, more follow): ${why}`;
  // One failure heals by itself as a rule.
  return attempts < TRIES_MIN ? ok(found) : warn(found, "afk alert test");
}
