import { jobNameOf } from "../../lib/run-key.ts";
import { withoutHidden } from "../../lib/visible.ts";
import { ownerWords } from "../../lib/windows.ts";
import type { AlertPayload } from "../events.ts";
import type { ChannelConfig } from "./channel.ts";
import { periodWords, windowWord } from "./words.ts";

/** The fields of the alert payload (docs/alerts.md), which a template may name. */
export const TEMPLATE_FIELDS = [
  ...["version", "event", "agent", "severity", "ts", "title", "message", "period", "window", "pct"],
  ...["threshold", "capUsd", "spentUsd", "unit", "cap", "spent", "scope"],
  ...["job", "tick", "source", "key", "count", "date", "time"],
] as const;

/**
 * `{agent} at {pct}% of {period} cap` with the fields of `payload` in place, in words where the field is a key; a field that
 * does not apply is empty. Braces around any other name stay as they are, so that a misspelt name is seen in the message.
 */
export function renderTemplate(template: string, payload: AlertPayload): string {
  return template.replace(/\{([A-Za-z]{1,20})\}/g, (whole, name: string) => {
    const field = TEMPLATE_FIELDS.find((each) => each === name);
    return field === undefined ? whole : (WORDS[field]?.(payload) ?? String(payload[field] ?? ""));
  });
}

/** What stands for a field whose value is for programs. */
const WORDS: Partial<
  Record<(typeof TEMPLATE_FIELDS)[number], (payload: AlertPayload) => string | undefined>
> = {
  period: periodWords,
  window: ({ window }) => window && windowWord(window),
  scope: ({ scope }) => scope && (ownerWords(scope) ?? scope),
  job: ({ job }) => job && jobNameOf(job),
  ts: ({ date, time }) => date && `${date} ${time}`,
};

/** What a template gives; where that is nothing to read, the title, since most services refuse a message without text. */
export function templateText(template: string, payload: AlertPayload): string {
  const text = renderTemplate(template, payload);
  return withCount(withoutHidden(text).trim() === "" ? payload.title : text, payload);
}

/** The channel's template, or how bad it is, whose, and the title, with the message below it. */
export function alertText(payload: AlertPayload, config: ChannelConfig): string {
  if (config.template !== null) return templateText(config.template, payload);
  const head = `[${payload.severity}] ${headline(payload)}`;
  return payload.message === "" ? head : `${head}\n${payload.message}`;
}

/** Whose alert it is, and its title: a phone shows several agents' alerts one below the other. */
export function headline(payload: AlertPayload): string {
  return `${payload.agent}: ${payload.title}`;
}

/** A template knows nothing of the other alerts that its message stands for. */
function withCount(text: string, { count = 1 }: AlertPayload): string {
  return count > 1 ? `${text} (and ${count - 1} more like it)` : text;
}

/** At most `max` bytes of UTF-8; what was cut ends in an ellipsis. Never half of a character. */
export function truncateBytes(text: string, max: number): string {
  const whole = text.toWellFormed();
  if (Buffer.byteLength(whole) <= max) return whole;
  const room = max - Buffer.byteLength("…");
  // `encodeInto` stops before the character that no longer fits.
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(room));
  return `${whole.slice(0, read)}…`;
}
