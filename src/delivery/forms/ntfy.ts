import { type ChannelConfig, postJson } from "../../alerts/channels/channel.ts";
import { topicOf } from "../../alerts/channels/ntfy.ts";
import { truncateBytes } from "../../alerts/channels/text.ts";
import { clip } from "../../lib/text.ts";
import { firstLink, headlineOf, type Result } from "../result.ts";

/** https://docs.ntfy.sh/publish/#limitations */
const MESSAGE_BYTES_MAX = 4_096;
const TITLE_BYTES_MAX = 1_000;
/** A note on a lock screen, in UTF-16 units: what it is about, not all that was left out. */
const NOTE_CHARS_MAX = 120;

/** One request to an ntfy topic: a headline, the counts with the titles, and where a touch leads. */
export function ntfyForm(result: Result, config: ChannelConfig) {
  const { report, outcome } = result;
  const { url, topic } = topicOf(config.url);
  const titles = report.sections.flatMap(({ items }) => items.map(({ title }) => `• ${title}`));
  const opening = [report.counts ?? "", titles.length === 0 ? report.text : "", ...titles];
  const notes = report.notes.map((note) => clip(note, NOTE_CHARS_MAX));
  const lines = [...opening, ...notes].filter((line) => line !== "");
  const click = result.pageUrl ?? firstLink(result);
  return [
    postJson(url, {
      topic,
      title: truncateBytes(headlineOf(result), TITLE_BYTES_MAX),
      // An empty message would be shown as "triggered".
      message: truncateBytes(lines.join("\n") || report.title, MESSAGE_BYTES_MAX),
      ...(click !== null && { click }),
      priority: outcome === "dead" ? 4 : 3,
      tags: [outcome === "dead" ? "warning" : "newspaper"],
    }),
  ];
}
