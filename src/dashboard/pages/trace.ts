import { toIso } from "../../lib/clock.ts";
import { momentText, timeText } from "../../lib/zone.ts";
import { describeLine } from "../../logs/people.ts";
import type { LogEntry } from "../../logs/read.ts";
import { card } from "../elements.ts";
import { type Html, html } from "../html.ts";
import { foreign, type Times } from "../words.ts";

const MARKS: Record<string, string> = { warn: "t-warn", error: "t-bad" };

/** What the log says, a line each, with the command that shows the whole. */
export function traceCard(
  { entries, isCut }: { entries: readonly LogEntry[]; isCut: boolean },
  command: string,
  times: Times,
): Html {
  const none = html`<p class="quiet">${isCut ? "It is not in the part of the log that is read here." : "The log has nothing of it any more."}</p>`;
  return card("trace", "Trace", [
    entries.length === 0
      ? none
      : html`<ol class="trace">${entries.map((entry) => lineItem(entry, times))}</ol>`,
    isCut && entries.length > 0 && html`<p class="quiet small">Earlier lines are left out.</p>`,
    html`<p class="small"><code>${command}</code></p>`,
  ]);
}

function lineItem({ line }: LogEntry, { timezone }: Times): Html {
  const { words, details } = describeLine(line, timezone);
  const ms = Date.parse(line.ts);
  const time = html`<time datetime="${toIso(ms)}" title="${momentText(ms, timezone)} ${timezone}">${timeText(ms, timezone)}</time>`;
  const more = details !== "" && html` <span class="quiet">${foreign(details, 400)}</span>`;
  return html`<li>${time} <span class="${MARKS[line.level] ?? ""}">${foreign(words, 200)}</span>${more}</li>\n`;
}
