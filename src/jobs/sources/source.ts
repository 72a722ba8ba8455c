import { basename } from "node:path";
import { AfkError } from "../../lib/errors.ts";
import { shortHash } from "../digest/identity.ts";
import type { Item } from "../digest/item.ts";
import { isRemote, type SourceSettings } from "../digest/settings.ts";

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

/** What the digest calls the source: its name, else what the owner wrote, shortened. */
export function sourceLabel(source: SourceSettings): string {
  if (source.name !== undefined) return source.name;
  if ("github" in source) return source.github;
  if ("folder" in source) return basename(source.folder) || source.folder;
  if (!isRemote(source.feed)) return basename(source.feed);
  const url = new URL(source.feed);
  return `${url.host}${url.pathname.replace(/\/$/, "")}`;
}

/** The same for the same place, whatever the source is called. */
export function sourceId(source: SourceSettings): string {
  if ("github" in source) return shortHash(`github ${source.github}`);
  return shortHash("folder" in source ? `folder ${source.folder}` : `feed ${source.feed}`);
}
