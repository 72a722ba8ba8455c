import { summarise } from "../../lib/summarise.ts";
import type { ModelRequest, OfflineProvider } from "../types.ts";

const SENTENCES_DEFAULT = 2;

/**
 * What the last user message of a conversation says in two sentences; of what stands between `<content>` and
 * `</content>` if the prompt marks its material so.
 */
export function extract(request: ModelRequest): string {
  const message = request.messages.findLast(({ role }) => role === "user")?.content ?? "";
  return summarise(markedContent(message), SENTENCES_DEFAULT);
}

/** Picks sentences, and needs no model. */
export const extractive: OfflineProvider = { isOffline: true, type: "extractive", answer: extract };

function markedContent(message: string): string {
  const [open, close] = ["<content>", "</content>"];
  const start = message.indexOf(open);
  if (start < 0) return message;
  const end = message.lastIndexOf(close);
  return message.slice(start + open.length, end < start ? undefined : end);
}
