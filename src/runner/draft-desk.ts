import { type Approval, approveDraft, type DraftParts, rejectDraft } from "./drafts/drafts.ts";
import { type DraftPreview, previewDraft } from "./drafts/preview.ts";

/** Where a person decides about drafts. What each throws is said where it is built. */
export interface DraftDesk {
  preview(id: string): Promise<DraftPreview>;
  approve(id: string, options: { isAgain: boolean }): Promise<Approval>;
  reject(id: string): Promise<{ wasUnknown: boolean }>;
}

export function createDraftDesk(parts: DraftParts): DraftDesk {
  return {
    preview: (id) => previewDraft(parts, id),
    approve: (id, options) => approveDraft(parts, id, options),
    reject: (id) => rejectDraft(parts, id),
  };
}
