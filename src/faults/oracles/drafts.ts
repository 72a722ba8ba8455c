import type { Report } from "./invariant.ts";
import type { Reader } from "./reader.ts";

/** An irreversible request that reached its server, by its idempotency key, and whether the server did it. */
export interface Effect {
  key: string;
  isDone: boolean;
}

interface Draft {
  id: string;
  state: "pending" | "approving" | "done" | "unknown" | "rejected";
  attempted: number | null;
}

/**
 * Drafts against what the servers did: never without an approval, and once for each. `approvals`: how often each draft was
 * approved.
 */
export function createDraftsCheck(
  report: Report,
): (reader: Reader, effects: readonly Effect[], approvals: ReadonlyMap<string, number>) => void {
  const known = new Set<string>();

  function checkDraft(reader: Reader, { id, state, attempted }: Draft, count: number): void {
    if (state === "done" && count === 0) report("once", `draft ${id} is marked as done, and nobody did it`);
    if (state === "pending" && count > 0)
      report("unknown", `draft ${id} waits as if it were not done, and it was`);
    if (attempted === null && count > 0)
      report("gates", `draft ${id} was done before its intent was on disk`);
    if (
      !known.has(id) &&
      reader.one("select 1 from alerts where key = ?", `draft_pending:${id}`) === undefined
    )
      report("alerts", `draft ${id} waits, and no alert on disk says so`);
    known.add(id);
  }

  return (reader, effects, approvals) => {
    const done = new Map<string, number>();
    for (const { key, isDone } of effects) if (isDone) done.set(key, (done.get(key) ?? 0) + 1);
    for (const [id, count] of done) {
      const approved = approvals.get(id) ?? 0;
      if (count > approved)
        report("once", `draft ${id} was done ${count} times, and approved ${approved} times`);
    }
    const drafts = reader.all<Draft>("select id, state, attempted_at as attempted from drafts");
    for (const draft of drafts) checkDraft(reader, draft, done.get(draft.id) ?? 0);
  };
}
