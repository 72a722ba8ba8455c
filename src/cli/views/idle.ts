import type { Agent } from "../../agent.ts";
import { formatRelative } from "../../lib/duration-text.ts";
import { momentText } from "../../lib/zone.ts";
import { readNextRuns } from "../../ops/next-runs.ts";
import type { TickResult } from "../../runner/tick.ts";

/** When something is due, and how to run it now: what a person wants to know after a tick with nothing to do. */
export async function idleLines(
  { config, rails }: Pick<Agent, "config" | "rails">,
  { outcome, units }: Pick<TickResult, "outcome" | "units">,
): Promise<string[]> {
  if (outcome !== "idle" || units > 0) return [];
  const nowMs = rails.clock.nowMs();
  const [next] = await readNextRuns(rails.store.db, config, nowMs);
  if (next === undefined) return ["nothing to do: afk.yaml has no job yet; add one under jobs:"];
  const byHand = `to run it now: afk tick --now ${next.job}`;
  if (next.paused !== null)
    return ["nothing is due: every job that has a schedule is paused; look: afk status"];
  if (next.dueAt === null) return ["nothing is due: no job has a schedule", byHand.replace("it", next.job)];
  const at = `${momentText(next.dueAt, config.timezone)} (${formatRelative(next.dueAt, nowMs)})`;
  return [`nothing is due; next: ${next.job}, ${at}`, byHand];
}
