import { AfkError } from "../../lib/errors.ts";

/** A draft cannot be approved or rejected as asked; nothing was done. */
export class DraftRefused extends AfkError {
  constructor(code: string, message: string) {
    super(code, message, { retry: "never" });
  }
}

/** No draft has the id. */
export function noDraft(id: string): DraftRefused {
  return new DraftRefused("unknown_draft", `there is no draft ${id}; see: afk drafts`);
}
