import type { OutgoingRequest } from "../../egress/types.ts";
import { readDraft } from "../../jobs/actions/read-draft.ts";
import { AfkError } from "../../lib/errors.ts";
import { type DraftDetail, findDraft } from "../../ops/drafts.ts";
import { type DraftParts, DraftRefused } from "./drafts.ts";

/** A draft, and the request that its approval would send. */
export interface DraftPreview {
  draft: DraftDetail;
  /** Exactly what would go out; without afk's own headers when it would be refused; null when it cannot be made. */
  request: OutgoingRequest | null;
  /** Why approving it would be refused, whatever its state: its content, or the host is not allowed. */
  refusal: string | null;
}

/**
 * Runs the action with tools that send nothing, so that what is shown comes from the very code that would send it.
 * @throws DraftRefused when there is no such draft.
 */
export async function previewDraft(parts: DraftParts, id: string): Promise<DraftPreview> {
  const draft = await findDraft(parts.store.db, id);
  if (draft === undefined)
    throw new DraftRefused("unknown_draft", `there is no draft ${id}; see: afk drafts`);
  let request: OutgoingRequest | null = null;
  try {
    const { action, content } = readDraft(draft.action, JSON.stringify(draft.content));
    await action.run(content, {
      idempotencyKey: id,
      signal: new AbortController().signal,
      async post(url, wanted) {
        request = { ...wanted, url };
        request = parts.outgoing.prepare(url, { ...wanted, idempotencyKey: id });
        return { status: 200 };
      },
    });
    return { draft, request, refusal: null };
  } catch (error) {
    if (!(error instanceof AfkError)) throw error;
    return { draft, request, refusal: error.message };
  }
}
