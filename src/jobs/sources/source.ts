import { AfkError } from "../../lib/errors.ts";
import type { Item } from "../items/item.ts";

/** What came of one source. `notes` name the parts of it that were left out. */
export interface Collected {
  items: Item[];
  /** What the source calls itself: a feed's own title, on one line. */
  title?: string;
  notes: string[];
}

/** The source was reached and cannot be used: a file that is missing, a feed that is cut off, an answer that is none. */
export class SourceUnreadable extends AfkError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("source_unreadable", message, options);
  }
}

/** Whether the digest can go on without the source. A halt, an abort or a bug stops the job. */
export function isSourceFailure(error: unknown): error is AfkError {
  return error instanceof AfkError && /^(?:source_unreadable$|egress_)/.test(error.code);
}
